"""From the folders of a company's collections to the index of its documents."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime
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
_LARGEST = 200_000_000


class _File(NamedTuple):
    """A file that is to be indexed."""

    collection: Collection
    file: Path
    path: str
    id: str
    digest: str
    modified_on: date | None = None


class LibraryIngest:
    """Reads what changed in the collections, and has everything indexed together."""

    def __init__(
        self,
        *,
        collections: Sequence[Collection],
        writer: LibraryWriter,
        pool: ReaderPool | None = None,
        forget: Callable[[Set[str]], object] | None = None,
        keep: Callable[[LibraryReport], object] | None = None,
    ) -> None:
        """`forget` is told the ids of the documents that are left: what else quotes others is to be deleted.

        `keep` is given the report.
        """
        self._collections = collections
        self._writer = writer
        self._pool = pool or ReaderPool()
        self._forget = forget or (lambda _: None)
        self._keep = keep or (lambda _: None)

    def run(self, progress: Progress | None = None) -> LibraryReport:
        """Index what is in the folders now; what is no longer there is gone from answers and from disk.

        Raises InvalidInputError for a folder that is not there, or is empty where it held documents: an unplugged share
        must not empty the index. Documents below a folder that cannot be opened stay as they are.
        """
        known = self._writer.find_known()
        files, skipped = self._scan(known)
        kept: set[str] = set()
        report = self._writer.build(self._load(files, known, skipped, kept, progress), skipped, progress)
        self._forget(kept)
        self._keep(report)
        return report

    def _scan(self, known: Mapping[str, DocumentHead]) -> tuple[list[_File], list[Skipped]]:
        files: list[_File] = []
        skipped: list[Skipped] = []
        for collection in self._collections:
            held = [head for head in known.values() if head.collection == collection.name]
            root = _find_root(collection, len(held))
            for found in _walk(root):
                path = _show(found.path.relative_to(root))
                reason = found.problem
                if found.closed:
                    files += [_keep(collection, head) for head in held if head.path.startswith(f"{path}/")]
                elif not reason and found.path.suffix.lower() not in FORMATS:
                    reason = "unsupported format"
                elif not reason:
                    try:
                        digest = digest_file(root, found.path)
                        id_ = name_document(collection.name, path)
                        changed = datetime.fromtimestamp(found.path.stat().st_mtime, UTC).date()
                        files.append(_File(collection, found.path, path, id_, digest, changed))
                    except OSError as error:
                        reason = error.strerror or "cannot be opened"
                if reason:
                    skipped.append(Skipped(path=f"{collection.name}/{path}", reason=reason))
        return files, skipped

    def _load(
        self,
        files: Sequence[_File],
        known: Mapping[str, DocumentHead],
        skipped: list[Skipped],
        kept: set[str],
        progress: Progress | None,
    ) -> Iterator[Document]:
        """Yield every document: those that are known without their sections, the others as they are read.

        Adds what cannot be read to `skipped`, and the ids of the others to `kept`.
        """
        fresh = [file for file in files if not _is_known(file, known)]
        for file in files:
            if _is_known(file, known):
                head = known[file.id]
                kept.add(file.id)
                yield _make(file, head.title, head.review_by, None)
        readings = self._pool.read_all([file.file for file in fresh])
        for number, (file, reading) in enumerate(zip(fresh, readings, strict=True), 1):
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
            kept.add(file.id)
            yield _make(file, title, _find_review_date(reading.extract), sections)


class CollectionFiles:
    """The files of the collections' folders, as long as they are as they were indexed."""

    def __init__(self, load: Callable[[], Sequence[Collection]]) -> None:
        self._load = load

    def get(self, head: DocumentHead) -> bytes:
        """Return the file of a document; raise NotFoundError where it is gone or has changed since it was indexed."""
        for root in (Path(collection.path) for collection in self._load() if collection.name == head.collection):
            with contextlib.suppress(OSError):
                content = read_regular(root, root / head.path)
                if hashlib.sha256(content).hexdigest() == head.digest:
                    return content
        raise NotFoundError("The file of that document is gone, or changed since it was read.", "Read its text here.")


def read_regular(root: Path, file: Path) -> bytes:
    """Return the content of a regular file below a folder, as it is opened once; raise OSError for anything else.

    A pipe does not hold the reader up, and a link that is swapped in between is not followed out of the folder.
    """
    descriptor = os.open(file.resolve(), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        if status.st_size > _LARGEST:
            raise OSError(errno.EFBIG, f"larger than {_LARGEST // 1_000_000} MB")
        link = Path(f"/proc/self/fd/{descriptor}")
        if link.exists() and not link.resolve().is_relative_to(root.resolve()):
            raise OSError(errno.ELOOP, "a link that leads out of the folder")
        return stream.read()


def digest_file(root: Path, file: Path) -> str:
    """Return the SHA-256 of a file below a folder; raise OSError for what is not one."""
    return hashlib.sha256(read_regular(root, file)).hexdigest()


def _find_root(collection: Collection, held: int) -> Path:
    """Return the folder of a collection that held some documents; raise InvalidInputError for one that is away."""
    root = Path(collection.path)
    if not root.is_dir():
        raise InvalidInputError(
            f'The folder of the collection "{collection.name}" is not there ({collection.path}).',
            "Mount or create it, or remove the collection: `advisor collections remove NAME`.",
        )
    if held and not any(root.iterdir()):
        raise InvalidInputError(
            f'The folder of "{collection.name}" is empty, and {held} documents were read from it.',
            "Mount it; or, if they are to go, remove the collection: `advisor collections remove NAME`.",
        )
    return root


def _keep(collection: Collection, head: DocumentHead) -> _File:
    """Return a document that cannot be looked at now, to be taken over as it is."""
    return _File(collection, Path(collection.path) / head.path, head.path, head.id, head.digest, head.modified_on)


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
        modified_on=file.modified_on,
        sections=sections,
    )


def _is_known(file: _File, known: Mapping[str, DocumentHead]) -> bool:
    head = known.get(file.id)
    return head is not None and head.digest == file.digest


class _Found(NamedTuple):
    """What a folder holds: a file, or (`closed`) a folder that cannot be opened; and why it is not read."""

    path: Path
    problem: str = ""
    closed: bool = False


def _walk(root: Path) -> Iterator[_Found]:
    """Yield every file below a folder, in order, each with the reason why it is not read, if there is one."""
    real = root.resolve()
    closed: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=closed.append, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith((".", "~$"))):
            yield _Found(Path(folder) / name, _find_obstacle(Path(folder) / name, real))
    for error in closed:
        yield _Found(Path(error.filename), f"{error.strerror or 'cannot be opened'}; what was read there stays", True)


def _find_obstacle(file: Path, real: Path) -> str:
    """Return why a file of a folder, which is really at `real`, is not read, or ""."""
    if _show(file) != file.as_posix():
        return "its name is not UTF-8"
    try:
        if file.is_symlink() and not file.resolve().is_relative_to(real):
            return "a link that leads out of the folder"
        return "" if stat.S_ISREG(file.stat().st_mode) else "not a file"
    except (OSError, RuntimeError):  # the latter for one that leads in a circle
        return "a link that leads nowhere"


def _show(path: Path) -> str:
    """Return a path as text; letters that are not UTF-8 are replaced."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="replace")


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
