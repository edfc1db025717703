"""Immutable index generations and the pointer that says which one serves.

`generations/<id>/` holds the files of one index and a manifest with their digests; `generations/current` names the
serving one. A generation is built under a draft name, checked, renamed, and then the pointer is swapped by an
atomic rename: a crash at any instant leaves the old index serving.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import filelock
from pydantic import BaseModel, ConfigDict

from advisor.errors import BusyError, IndexUnavailableError, ReadOnlyError, StorageError
from advisor.retrieval.vector import FOLDER

FORMAT = "index-8"
"""Changes whenever the files of a generation do."""
CALIBRATION = "calibration.json"

_ID = re.compile(rb"[0-9a-f]{12}")
_POINTER = "current"
_MANIFEST = "manifest.json"
_LOCK = ".lock"
_DRAFT = "draft-"
_REBUILD = "Run `advisor ingest --rebuild`."
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_SPACE_NEEDED = 200_000_000
_CHROMA_LOG = "chroma.sqlite3"  # Chroma touches it on every open: checked by SQLite itself, not by digest


class Manifest(BaseModel):
    """What a generation was built from, and the digests of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    format: str = ""
    model: str
    dimension: int
    chunker: str
    documents: dict[str, str]
    sections: int
    chunks: int
    questions: int
    vectors: str = "embedded"
    files: dict[str, str] = {}


class Generations:
    """The folder of generations."""

    def __init__(self, root: Path, *, forget: Callable[[Path], bool] | None = None) -> None:
        """Keep generations in `root`; `forget` deletes what a folder has elsewhere; False while some of it is left."""
        self._root = root
        self._forget_elsewhere = forget or (lambda _: True)

    def find_current(self) -> str | None:
        """Return the id of the serving generation, or None before the first ingest."""
        try:
            told = (self._root / _POINTER).read_bytes().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IndexUnavailableError("The index pointer cannot be read.", "Check the data directory.") from error
        if told and not _ID.fullmatch(told):
            raise IndexUnavailableError("The index pointer is damaged.", "Run `advisor ingest`.")
        return told.decode() or None

    def find_age(self) -> datetime | None:
        """Return when the serving generation was published, or None before the first ingest."""
        try:
            return datetime.fromtimestamp((self._root / _POINTER).stat().st_mtime, UTC)
        except OSError:
            return None

    def get_current(self) -> tuple[Path, Manifest]:
        """Return folder and manifest of the serving generation, or raise IndexUnavailableError."""
        id_ = self.find_current()
        if id_ is None:
            raise IndexUnavailableError("There is no index yet.", "Run `advisor ingest`.")
        return self._root / id_, self.get_manifest(id_)

    def get_manifest(self, id_: str) -> Manifest:
        """Return the manifest of a generation, or raise IndexUnavailableError when it cannot be used."""
        try:
            return Manifest.model_validate_json((self._root / id_ / _MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise IndexUnavailableError("The index is incomplete.", _REBUILD) from error

    def check_files(self, id_: str) -> None:
        """Raise IndexUnavailableError unless every file of the generation is as it was sealed."""
        if damaged := self._find_damaged(id_):
            raise IndexUnavailableError(f"A file of the index is missing or was changed ({damaged[0]}).", _REBUILD)

    def check_readable(self, id_: str, folder: str = "") -> bool:
        """Return whether Chroma's files are as they were sealed; raise IndexUnavailableError when another is not.

        With `folder`, of that part of the generation alone.
        """
        damaged = self._find_damaged(id_, folder)
        if other := [name for name in damaged if FOLDER not in Path(name).parts]:
            raise IndexUnavailableError(f"A file of the index is missing or was changed ({other[0]}).", _REBUILD)
        return not damaged

    def _find_damaged(self, id_: str, folder: str = "") -> list[str]:
        directory = self._root / id_
        files = self.get_manifest(id_).files.items()
        return [
            name for name, digest in files if name.startswith(folder) and not _is_as_sealed(directory / name, digest)
        ]

    @contextlib.contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the one write lock and yield an empty draft folder; raise BusyError when it is taken.

        Raise ReadOnlyError in a folder that may only be read.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._root / _LOCK)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BusyError("Another ingest is running.", "Wait until it is done, then try again.") from None
        except OSError as error:
            refused = ReadOnlyError if error.errno in _READ_ONLY else StorageError
            raise refused(
                f"The data directory cannot be written ({error.strerror}).",
                "Check its permissions and free space.",
            ) from error
        try:
            self._sweep()
            self._require_space()
            draft = self._root / f"{_DRAFT}{os.getpid()}"
            draft.mkdir()
            yield draft
        except (OSError, sqlite3.OperationalError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StorageError(
                f"The index could not be written ({reason}).",
                "Free some disk space; the old index still serves.",
            ) from error
        finally:
            self._sweep()
            lock.release()

    def publish(self, draft: Path, manifest: Manifest, *, keep_previous: bool = True) -> None:
        """Seal the draft, give it its name, and point to it. The one before stays for those who read it still."""
        files = {str(file.relative_to(draft)): _digest(file) for file in sorted(draft.rglob("*")) if file.is_file()}
        sealed = manifest.model_copy(update={"files": files})
        write_atomically(draft / _MANIFEST, sealed.model_dump_json(indent=1))
        draft.rename(self._root / manifest.id)
        previous = None
        with contextlib.suppress(IndexUnavailableError):
            previous = self.find_current() if keep_previous else None
        write_atomically(self._root / _POINTER, manifest.id)
        self._forget({manifest.id, previous})

    def _forget(self, keep: set[str | None]) -> None:
        """Delete all generations but the serving one and the one before it, which readers may still hold."""
        for directory in self._root.iterdir():
            if directory.is_dir() and directory.name not in keep:
                self._delete(directory)

    def _sweep(self) -> None:
        for draft in self._root.glob(f"{_DRAFT}*"):
            self._delete(draft)
        for part in self._root.glob(".*.part"):  # a pointer whose writer was killed
            part.unlink(missing_ok=True)

    def _delete(self, directory: Path) -> None:
        if self._forget_elsewhere(directory):
            shutil.rmtree(directory, ignore_errors=True)

    def _require_space(self) -> None:
        free = shutil.disk_usage(self._root).free
        if free < _SPACE_NEEDED:
            raise StorageError(
                f"Only {free // 1_000_000} MB are free where the index is kept.",
                f"Free at least {_SPACE_NEEDED // 1_000_000} MB, or set ADVISOR_DATA_DIR to another disk.",
            )


def write_atomically(file: Path, text: str) -> None:
    """Replace a file in one step that survives a crash."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)


def _is_as_sealed(file: Path, digest: str) -> bool:
    if not file.is_file():
        return False
    return _is_sound_database(file) if file.name == _CHROMA_LOG else _digest(file) == digest


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_sound_database(file: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False
