"""From the folders of a company's collections to the index of its documents."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from advisor.domain.knowledge import Collection, Document, DocumentHead, LibraryReport, Section, Skipped
from advisor.errors import InvalidInputError, NotFoundError
from advisor.knowledge.documents import name_document, split_document
from advisor.knowledge.readers.extract import Extract
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.ports import LibraryWriter, Progress

_REVIEW_BY = re.compile(r"^(?:review[ _-]?(?:by|date)|valid until)\s*:\s*(\d{4}-\d{2}-\d{2})\s*$", re.I | re.M)
_LONGEST_TITLE = 120


class _File(NamedTuple):
    """A file that is to be indexed."""

    collection: Collection
    file: Path
    path: str
    id: str
    digest: str


class LibraryIngest:
    """Reads what changed in the collections, and has everything indexed together."""

    def __init__(
        self, *, collections: Sequence[Collection], writer: LibraryWriter, pool: ReaderPool | None = None
    ) -> None:
        self._collections = collections
        self._writer = writer
        self._pool = pool or ReaderPool()

    def run(self, progress: Progress | None = None) -> LibraryReport:
        """Index what is in the folders now; what is no longer there is gone from answers and from disk.

        Raises InvalidInputError for a folder that is not there: an unplugged share must not empty the index.
        """
        files, skipped = self._scan()
        known = self._writer.find_known()
        return self._writer.build(self._load(files, known, skipped, progress), skipped, progress)

    def _scan(self) -> tuple[list[_File], list[Skipped]]:
        files: list[_File] = []
        skipped: list[Skipped] = []
        for collection in self._collections:
            root = Path(collection.path)
            if not root.is_dir():
                raise InvalidInputError(
                    f'The folder of the collection "{collection.name}" is not there ({collection.path}).',
                    "Mount or create it, or remove the collection: `advisor collections remove NAME`.",
                )
            for file, reason in _walk(root):
                path = file.relative_to(root).as_posix()
                shown = f"{collection.name}/{path}"
                if not reason and file.suffix.lower() not in FORMATS:
                    reason = "unsupported format"  # noqa: PLW2901
                if not reason:
                    try:
                        digest = _digest(file)
                    except OSError as error:
                        reason = error.strerror or "cannot be opened"  # noqa: PLW2901
                    else:
                        id_ = name_document(collection.name, path)
                        files.append(_File(collection, file, path, id_, digest))
                        continue
                skipped.append(Skipped(path=shown, reason=reason))
        return files, skipped

    def _load(
        self,
        files: Sequence[_File],
        known: Mapping[str, DocumentHead],
        skipped: list[Skipped],
        progress: Progress | None,
    ) -> Iterator[Document]:
        """Yield every document: those that are known without their sections, the others as they are read."""
        fresh = [file for file in files if not _is_known(file, known)]
        for file in files:
            if _is_known(file, known):
                head = known[file.id]
                yield _make(file, head.title, head.review_by, None)
        by_path = {file.file: file for file in fresh}
        for number, reading in enumerate(self._pool.read_all(list(by_path)), 1):
            file = by_path[reading.path]
            if progress:
                progress("Reading", number, len(fresh))
            if reading.extract is None:
                skipped.append(Skipped(path=f"{file.collection.name}/{file.path}", reason=reading.problem))
                continue
            title = _find_title(reading.extract, file.file)
            sections = split_document(file.id, title, reading.extract)
            if not sections:
                skipped.append(Skipped(path=f"{file.collection.name}/{file.path}", reason="no text"))
                continue
            yield _make(file, title, _find_review_date(reading.extract), sections)


class CollectionFiles:
    """The files of the collections' folders, as long as they are as they were indexed."""

    def __init__(self, load: Callable[[], Sequence[Collection]]) -> None:
        self._load = load

    def get(self, head: DocumentHead) -> Path:
        """Return the file of a document; raise NotFoundError where it is gone or has changed since it was indexed."""
        for root in (Path(collection.path) for collection in self._load() if collection.name == head.collection):
            file = root / head.path
            with contextlib.suppress(OSError):
                if file.resolve().is_relative_to(root.resolve()) and _digest(file) == head.digest:
                    return file
        raise NotFoundError("The file of that document is gone, or changed since it was read.", "Read its text here.")


def _make(file: _File, title: str, review_by: date | None, sections: tuple[Section, ...] | None) -> Document:
    return Document(
        id=file.id,
        collection=file.collection.name,
        label=file.collection.label,
        tier=file.collection.tier,
        path=file.path,
        title=title,
        digest=file.digest,
        review_by=review_by,
        sections=sections,
    )


def _is_known(file: _File, known: Mapping[str, DocumentHead]) -> bool:
    head = known.get(file.id)
    return head is not None and head.digest == file.digest


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder, in order, each with the reason why it is not read, if there is one."""
    real = root.resolve()
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.startswith((".", "~$")):
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(real):
                yield file, "a link that leads out of the folder"
                continue
            try:
                kind = file.stat().st_mode
            except OSError:
                yield file, "a link that leads nowhere"
                continue
            yield file, "" if stat.S_ISREG(kind) else "not a file"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find_title(extract: Extract, file: Path) -> str:
    """Return the title: as the file states it, or its first heading of the first level, or its name."""
    heading = re.search(r"^# +(.+)$", extract.pages[0].markdown, re.MULTILINE) if extract.pages else None
    title = extract.title or (heading[1] if heading else "") or file.stem.replace("_", " ").replace("-", " ")
    return " ".join(title.split())[:_LONGEST_TITLE]


def _find_review_date(extract: Extract) -> date | None:
    found = _REVIEW_BY.search("\n".join(page.markdown for page in extract.pages[:2])[:5_000])
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
