"""The company's own documents: indexed, changed, removed, and shown only to those who hold their label."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.answering.documents import DocumentAnswerer
from advisor.bootstrap import build_advisor
from advisor.domain.dialogue import CitationKind, Query, Role
from advisor.domain.identity import LOCAL_CALLER, Caller
from advisor.domain.knowledge import Collection, LibraryReport, Tier
from advisor.errors import IndexUnavailableError, InvalidInputError, NotFoundError
from advisor.knowledge.collections import CollectionsFile
from advisor.knowledge.library import LibraryIngest
from advisor.knowledge.readers.pool import ReaderPool
from advisor.ports import Embedder
from advisor.retrieval.generations import Generations
from advisor.retrieval.library import LibraryRetriever
from advisor.retrieval.shards import ShardWriter, name_shard
from advisor.settings import Settings
from tests.conftest import TODAY
from tests.knowledge.files import make_pdf

pytestmark = pytest.mark.slow

BOARD, STAFF = Caller(id="eva", groups=("board",)), Caller(id="ben")
ALARMS = "Every alarm of the gearbox monitor is answered within ten minutes by the shift lead on duty."
MERGER = "The merger with Nordwerk closes in March and moves the gearbox line to Venlo."
Read = Callable[[], LibraryReport]


class Place:
    """Folders of documents, their index, and what finds in it."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.open, self.closed = folder / "open", folder / "closed"
        self.open.mkdir()
        self.closed.mkdir()
        self.root = folder / "library"
        self.embedder = embedder
        self.collections = [
            Collection(name="policies", path=str(self.open), tier=Tier.REVIEWED),
            Collection(name="board papers", path=str(self.closed), label="board"),
        ]
        self.retriever = LibraryRetriever(generations=Generations(self.root), embedder=embedder)

    def ingest(self) -> LibraryReport:
        writer = ShardWriter(generations=Generations(self.root), embedder=self.embedder)
        return LibraryIngest(collections=self.collections, writer=writer, pool=ReaderPool(1)).run()

    def find(self, caller: Caller, text: str) -> list[str]:
        found = self.retriever.retrieve(Query(text=text), caller)
        return [passage.section.text for passage in found.passages]


@pytest.fixture
def place(tmp_path: Path, embedder: Embedder) -> Place:
    made = Place(tmp_path, embedder)
    (made.open / "alarms.md").write_text(f"# Alarm policy\n\n## Who answers\n\n{ALARMS}\n")
    (made.open / "canteen.txt").write_text("The canteen serves lentil soup on Mondays and fish on Fridays.")
    (made.closed / "merger.md").write_text(f"# Merger\n\n{MERGER}\n")
    return made


def test_only_holders_of_a_label_find_its_documents(place: Place) -> None:
    place.ingest()
    assert MERGER in place.find(BOARD, "What happens to the gearbox line?")
    assert MERGER in place.find(LOCAL_CALLER, "What happens to the gearbox line?")
    assert MERGER not in place.find(STAFF, "When does the merger with Nordwerk close?")
    assert [document.path for document in place.retriever.list_documents(STAFF)] == ["alarms.md", "canteen.txt"]
    assert len(place.retriever.list_documents(BOARD)) == 3


@pytest.mark.owasp("LLM02", "LLM08")
def test_what_a_caller_may_not_see_shapes_no_score_of_theirs(place: Place) -> None:
    place.ingest()
    before = place.retriever.retrieve(Query(text="Who answers a gearbox alarm?"), STAFF)
    for number in range(30):
        (place.closed / f"{number}.md").write_text(
            f"# Gearbox {number}\n\nThe gearbox alarm of line {number} is answered late.\n"
        )
    place.ingest()
    after = place.retriever.retrieve(Query(text="Who answers a gearbox alarm?"), STAFF)
    assert after.passages == before.passages
    assert after.terms == before.terms


def test_a_set_split_over_two_labels_ranks_as_one(tmp_path: Path, embedder: Embedder) -> None:
    texts = [
        f"Site {n} answers alarm kind {n % 7} of machine {n % 5} within {n + 3} minutes after the call."
        for n in range(60)
    ]
    orders = []
    for name, labels in (("one", ("",)), ("two", ("", "board"))):
        (tmp_path / name).mkdir()
        split = Place(tmp_path / name, embedder)
        for number, text in enumerate(texts):
            folder = (split.open, split.closed)[number % len(labels)]
            (folder / f"{number:02}.md").write_text(f"# Site {number}\n\n{text}\n")
        split.ingest()
        orders.append([split.find(BOARD, f"How fast is alarm kind {kind} of machine 3 answered?") for kind in range(7)])
    same = [len(set(one[:5]) & set(two[:5])) for one, two in zip(*orders, strict=True)]
    assert sum(same) >= 0.9 * 5 * len(same)
    assert [one[0] for one in orders[0]] == [two[0] for two in orders[1]]


def test_a_second_ingest_reads_and_embeds_only_what_changed(place: Place) -> None:
    first = place.ingest()
    assert (len(first.indexed), first.unchanged) == (3, 0)
    again = place.ingest()
    assert (again.indexed, again.unchanged, again.embedded) == ((), 3, 0)
    (place.open / "canteen.txt").write_text("The canteen serves lentil soup on Mondays and goulash on Fridays.")
    changed = place.ingest()
    assert changed.indexed == ("policies/canteen.txt",)
    assert 0 < changed.embedded <= 2
    assert "goulash" in " ".join(place.find(STAFF, "What does the canteen serve?"))


@pytest.mark.fault("R6")
def test_a_deleted_file_is_gone_from_answers_and_from_disk(place: Place) -> None:
    (place.closed / "agenda.md").write_text("# Agenda\n\nThe board meets on the first Tuesday of each month.\n")
    place.ingest()
    (place.closed / "merger.md").unlink()
    assert place.ingest().removed == 1
    assert MERGER not in place.find(BOARD, "What happens to the gearbox line?")
    kept = b"".join(path.read_bytes() for path in place.root.rglob("*") if path.is_file())
    assert b"Nordwerk" not in kept


@pytest.mark.owasp("LLM02", "LLM08")
@pytest.mark.parametrize("damage", ["chunks.f32", "data_level0.bin"])
def test_a_deleted_file_is_gone_from_disk_though_the_index_was_damaged(place: Place, damage: str) -> None:
    (place.closed / "agenda.md").write_text("# Agenda\n\nThe board meets on the first Tuesday of each month.\n")
    place.ingest()
    for file in place.root.rglob(damage):
        file.write_bytes(b"damaged")
    (place.closed / "merger.md").unlink()
    assert place.ingest().removed == 1
    assert not [file for file in place.root.rglob("*") if file.is_file() and b"Nordwerk" in file.read_bytes()]


def test_a_shard_of_one_vector_stays_as_it_was_sealed(place: Place) -> None:
    place.ingest()
    generations = Generations(place.root)
    for _ in range(3):
        retriever = LibraryRetriever(generations=generations, embedder=place.embedder)
        assert retriever.retrieve(Query(text="When does the merger close?"), BOARD).passages
        generations.check_files(generations.get_current()[1].id)


def test_what_is_skipped_is_told_with_its_reason(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "outside.md"
    secret.write_text("# Outside\n\nNobody linked this in on purpose.\n")
    (place.open / "link.md").symlink_to(secret)
    (place.open / "nowhere.md").symlink_to(place.open / "nothing")
    os.mkfifo(place.open / "pipe.md")
    (place.open / ".hidden.md").write_text("# Hidden\n\nThis is not to be read by anybody.\n")
    (place.open / "scan.pdf").write_bytes(make_pdf([], []))
    (place.open / "sheet.xls").write_bytes(b"x")
    report = place.ingest()
    assert {skipped.path: skipped.reason for skipped in report.skipped} == {
        "policies/link.md": "a link that leads out of the folder",
        "policies/nowhere.md": "a link that leads nowhere",
        "policies/pipe.md": "not a file",
        "policies/scan.pdf": "no text",
        "policies/sheet.xls": "unsupported format",
    }
    assert len(report.indexed) == 3


def test_a_folder_that_is_not_there_empties_nothing(place: Place) -> None:
    place.ingest()
    place.closed.rename(place.closed.with_name("unplugged"))
    with pytest.raises(InvalidInputError):
        place.ingest()
    assert MERGER in place.find(BOARD, "What happens to the gearbox line?")


def test_documents_are_quoted_with_their_page_under_their_own_title(place: Place) -> None:
    (place.open / "standard.pdf").write_bytes(
        make_pdf(
            ["1 Scope of this standard", "It holds for all presses."],
            ["2 Lubrication of spindles", "Spindles are lubricated every forty hours by the night shift."],
        )
    )
    (place.open / "old.md").write_text(
        "---\nreview_by: 2020-01-31\n---\n# Old rule\n\nThe torque of every flange bolt is checked twice a year.\n"
    )
    place.ingest()
    answerer = DocumentAnswerer()
    draft = answerer.answer(
        place.retriever.retrieve(Query(text="How often are spindles lubricated?"), STAFF), Role.EXECUTIVE, TODAY
    )
    assert draft
    assert draft.blocks[0].title == "Your documents say"  # type: ignore[union-attr]
    first = draft.citations[0]
    assert (first.kind, first.page, first.section) == (CitationKind.DOCUMENT, 2, "2 Lubrication of spindles")
    assert first.quote == "Spindles are lubricated every forty hours by the night shift."
    stale = answerer.answer(
        place.retriever.retrieve(Query(text="How often is the torque of flange bolts checked?"), STAFF),
        Role.EXECUTIVE,
        TODAY,
    )
    assert stale
    assert "2020-01-31" in stale.notices[0]
    nothing = place.retriever.retrieve(Query(text="What is the capital of France?"), STAFF)
    assert answerer.answer(nothing, Role.EXECUTIVE, TODAY) is None


def test_an_answer_stands_on_documents_only_while_the_caller_holds_their_label(
    place: Place, indexed: Settings, tmp_path: Path
) -> None:
    place.ingest()
    data = tmp_path / "data"
    data.mkdir()
    for name in ("models", "generations"):
        (data / name).symlink_to(indexed.data_dir / name)
    place.root.rename(data / "library")
    advisor = build_advisor(Settings(data_dir=data, _env_file=None))
    question = "When does the merger with Nordwerk close?"
    told = advisor.ask(BOARD, question)
    assert "Your documents say" in told.text
    assert "March" in told.text
    hidden = advisor.ask(STAFF, question)
    assert "Nordwerk closes" not in hidden.text
    assert not any(citation.kind is CitationKind.DOCUMENT for citation in hidden.citations)
    with pytest.raises(NotFoundError):
        advisor.get_answer(Caller(id="eva"), told.id)
    merger = next(document for document in advisor.list_documents(BOARD) if document.path == "merger.md")
    assert MERGER in advisor.get_document(BOARD, merger.id)[1][0].text
    with pytest.raises(NotFoundError):
        advisor.get_document(STAFF, merger.id)
    assert any("Nordwerk" in passage.section.text for passage in advisor.search(BOARD, question))
    assert not any("Nordwerk" in passage.section.text for passage in advisor.search(STAFF, question))


def test_collections_are_added_replaced_and_removed(tmp_path: Path) -> None:
    file = CollectionsFile(tmp_path / "data" / "collections.json")
    file.put(Collection(name="a", path="/a"))
    file.put(Collection(name="b", path="/b", label="board"))
    file.put(Collection(name="a", path="/c"))
    assert [(c.name, c.path) for c in file.load()] == [("b", "/b"), ("a", "/c")]
    file.remove("b")
    with pytest.raises(NotFoundError):
        file.remove("b")
    (tmp_path / "data" / "collections.json").write_text("nonsense")
    with pytest.raises(InvalidInputError):
        file.load()


@pytest.mark.fault("R3")
def test_damage_to_one_label_leaves_the_others_their_answers(place: Place) -> None:
    place.ingest()
    current = place.root / (place.root / "current").read_text()
    (current / name_shard("board") / "catalogue.sqlite").write_bytes(b"damaged")
    fresh = LibraryRetriever(generations=Generations(place.root), embedder=place.embedder)
    assert fresh.retrieve(Query(text="Who answers a gearbox alarm?"), STAFF).passages
    with pytest.raises(IndexUnavailableError) as told:
        fresh.retrieve(Query(text="Who answers a gearbox alarm?"), BOARD)
    assert "shard" not in str(told.value)


@pytest.mark.parametrize("name", ["current", "manifest.json", "shards.json"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"../../etc"])
def test_damage_to_what_names_the_index_is_mended_by_the_next_ingest(place: Place, name: str, content: bytes) -> None:
    place.ingest()
    current = place.root / (place.root / "current").read_text()
    (place.root / name if name == "current" else current / name).write_bytes(content)
    fresh = LibraryRetriever(generations=Generations(place.root), embedder=place.embedder)
    if name != "current" or content:
        with pytest.raises(IndexUnavailableError):
            fresh.retrieve(Query(text="Who answers a gearbox alarm?"), STAFF)
    place.ingest()
    assert place.find(STAFF, "Who answers a gearbox alarm?")
