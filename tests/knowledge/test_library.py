"""What stands in folders, and what the ingest makes of it: names, pipes, links, empty and closed folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import Collection, DocumentHead
from advisor.errors import InvalidInputError, NotFoundError
from advisor.knowledge.library import CollectionFiles, LibraryIngest
from advisor.knowledge.readers.pool import ReaderPool, Reading
from advisor.retrieval.generations import Generations
from advisor.retrieval.library import LibraryRetriever
from advisor.retrieval.probe import probe
from advisor.retrieval.shards import ShardWriter
from tests.fakes import HashEmbedder

TEXT = "The shift lead answers every alarm of the gearbox monitor within ten minutes."


class Share:
    """A folder, the collections over it, and the index of them."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "share"
        self.folder.mkdir()
        self.index = root / "library"
        self.collections = [Collection(name="share", path=str(self.folder))]

    def put(self, name: str, text: str = TEXT) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def ingest(self) -> dict[str, str]:
        """Return what was skipped, and why."""
        writer = ShardWriter(generations=Generations(self.index), embedder=HashEmbedder(), probe=probe)
        report = LibraryIngest(collections=self.collections, writer=writer, pool=ReaderPool(1)).run()
        return {skipped.path: skipped.reason for skipped in report.skipped}

    def list(self) -> list[DocumentHead]:
        library = LibraryRetriever(generations=Generations(self.index), embedder=HashEmbedder())
        return list(library.list_documents(LOCAL_CALLER))


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(tmp_path)


def test_a_name_that_is_not_utf_8_stops_nothing(share: Share) -> None:
    share.put("good.md")
    (Path(os.fsdecode(os.fsencode(share.folder) + b"/caf\xe9.md"))).write_text(TEXT)
    assert list(share.ingest().values()) == ["its name is not UTF-8"]
    assert [head.path for head in share.list()] == ["good.md"]


def test_a_link_in_a_circle_stops_nothing(share: Share) -> None:
    share.put("good.md")
    (share.folder / "circle.md").symlink_to("circle.md")
    assert share.ingest() == {"share/circle.md": "a link that leads nowhere"}
    assert [head.path for head in share.list()] == ["good.md"]


def test_two_collections_over_one_folder_hold_it_both(share: Share) -> None:
    share.put("good.md")
    share.collections = [Collection(name=name, path=str(share.folder), label=name) for name in ("one", "two")]
    share.ingest()
    assert [(head.collection, head.label) for head in share.list()] == [("one", "one"), ("two", "two")]


def test_a_share_that_is_not_mounted_empties_nothing(share: Share) -> None:
    file = share.put("good.md")
    share.ingest()
    file.unlink()
    with pytest.raises(InvalidInputError, match="is empty, and 1 documents"):
        share.ingest()
    assert len(share.list()) == 1


def test_what_is_below_a_closed_folder_stays(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    share.put("good.md")
    share.put("closed/inner.md")
    share.ingest()
    scan = os.scandir

    def refuse(path: str) -> object:  # whoever runs the tests as root may open every folder
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "stays" in share.ingest()["share/closed"]
    assert len(share.list()) == 2


def test_a_removed_document_is_gone_from_disk_at_the_next_ingest(share: Share) -> None:
    share.put("good.md")
    secret = share.put("secret.md", "Quandril is bought for ninety million in March, says the board.")
    share.ingest()
    secret.unlink()
    share.ingest()
    assert not [file for file in share.index.rglob("*") if file.is_file() and b"Quandril" in file.read_bytes()]


@pytest.mark.owasp("LLM02", "ASVS V5")
def test_files_are_sent_only_as_they_were_read(share: Share, tmp_path: Path) -> None:
    file = share.put("good.md")
    share.ingest()
    (head,) = share.list()
    files = CollectionFiles(lambda: share.collections)
    assert files.get(head) == TEXT.encode()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(NotFoundError):  # and it does not wait for a writer
        files.get(head)
    file.unlink()
    (tmp_path / "outside.md").write_text(TEXT)
    file.symlink_to(tmp_path / "outside.md")
    with pytest.raises(NotFoundError):
        files.get(head)


def test_readings_do_not_pile_up(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [share.put(f"{number}.md") for number in range(40)]
    read: list[Path] = []

    def note(_: object, path: Path) -> Reading:
        read.append(path)
        return Reading(path, None)

    monkeypatch.setattr("advisor.knowledge.readers.pool._Worker.read", note)
    readings = ReaderPool(2).read_all(paths)
    next(readings)
    assert len(read) <= 8
    assert len(list(readings)) == 39
