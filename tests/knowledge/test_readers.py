"""Files of every format: what survives into sections, and why a file yields nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from advisor.domain.knowledge import Section, StatementKind
from advisor.knowledge.documents import ROWS_PER_SECTION, split_document
from advisor.knowledge.readers.formats import FORMATS
from advisor.knowledge.readers.pool import ReaderPool
from advisor.knowledge.readers.registry import READERS
from tests.knowledge.files import make_bomb, make_docx, make_pdf, make_pptx, make_xlsx

pytestmark = pytest.mark.slow  # the readers work in processes of their own

LONG = "The shift lead decides about every alarm within ten minutes and writes the reason down."


def read(folder: Path, name: str, raw: bytes) -> tuple[Section, ...]:
    file = folder / name
    file.write_bytes(raw)
    (reading,) = ReaderPool(1).read_all([file])
    assert reading.extract, reading.problem
    return split_document("doc-1", reading.extract.title or file.stem, reading.extract)


def statements(sections: tuple[Section, ...]) -> list[tuple[str, int | None, str]]:
    return [(s.heading, t.page, t.text) for s in sections for t in s.statements]


def test_the_formats_are_those_that_have_a_reader() -> None:
    assert set(READERS) == FORMATS


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.md", f"## Who decides\n\n{LONG}\n".encode()),
        (
            "a.html",
            f"<title>Alarm policy</title><nav>Home</nav><h2>Who decides</h2><p>{LONG}</p><script>alert(1)</script>".encode(),
        ),
        ("a.docx", make_docx(LONG, heading="Who decides")),
    ],
)
def test_headings_survive(tmp_path: Path, name: str, raw: bytes) -> None:
    sections = read(tmp_path, name, raw)
    assert [(heading, text) for heading, _, text in statements(sections)] == [("Who decides", LONG)]
    assert "Home" not in sections[0].text
    assert "alert" not in sections[0].text


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_text_is_read_in_any_encoding(tmp_path: Path, codec: str) -> None:
    text = "Die Schichtführung in Győr entscheidet über jede Störung, sagt die Verfügung für Prüfstände und Öfen."
    if codec in {"cp1252", "latin-1"}:
        text = text.replace("ő", "ö")
    assert statements(read(tmp_path, "a.txt", text.encode(codec)))[0][2] == text


def test_pages_and_slides_survive(tmp_path: Path) -> None:
    pdf = read(
        tmp_path,
        "a.pdf",
        make_pdf(["1 Scope of this standard", LONG], ["2 Duties of the plant", LONG.replace("shift", "site")]),
    )
    assert [(heading, page) for heading, page, _ in statements(pdf)] == [
        ("1 Scope of this standard", 1), ("2 Duties of the plant", 2),
    ]  # fmt: skip
    deck = read(tmp_path, "a.pptx", make_pptx(("First", LONG), ("Second", LONG)))
    assert [(heading, page) for heading, page, _ in statements(deck)] == [("First", 1), ("Second", 2)]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.csv", b"Plant;Owner\nAalen;Eva\nVenlo;Ruben\n"),
        ("a.xlsx", make_xlsx([("Plant", "Owner"), ("Aalen", "Eva"), ("Venlo", "Ruben")])),
        ("a.docx", make_docx(table=[("Plant", "Owner"), ("Aalen", "Eva"), ("Venlo", "Ruben")])),
        ("a.md", b"| Plant | Owner |\n|---|---|\n| Aalen | Eva |\n| Venlo | Ruben |\n"),
    ],
)
def test_tables_stay_whole_with_their_header(tmp_path: Path, name: str, raw: bytes) -> None:
    (table,) = [section for section in read(tmp_path, name, raw) if section.columns]
    assert table.columns == ("Plant", "Owner")
    rows = table.of_kind(StatementKind.ROW)
    assert [row.text for row in rows] == ["Plant: Aalen; Owner: Eva", "Plant: Venlo; Owner: Ruben"]


def test_a_long_table_comes_in_pieces_that_each_have_the_header(tmp_path: Path) -> None:
    rows = [("Plant", "Owner"), *((f"Plant {n}", f"Owner {n}") for n in range(100))]
    pieces = read(tmp_path, "a.xlsx", make_xlsx(rows))
    assert len(pieces) == -(-100 // ROWS_PER_SECTION)
    assert all(piece.columns == ("Plant", "Owner") for piece in pieces)
    assert sum(len(piece.statements) for piece in pieces) == 100


def test_a_mail_is_its_subject_and_its_text(tmp_path: Path) -> None:
    raw = f"From: eva@example.com\nSubject: Alarm policy\nContent-Type: text/html\n\n<p>{LONG}</p><script>x()</script>".encode()
    sections = read(tmp_path, "a.eml", raw)
    assert sections[0].playbook_title == "Alarm policy"
    assert LONG in sections[0].text
    assert "x()" not in sections[0].text


BAD = {
    "scan.pdf": (make_pdf([], []), "no text"),
    "broken.pdf": (b"%PDF-1.4\nnonsense", "damaged"),
    "cut.docx": (make_docx(LONG)[:400], "damaged"),
    "bomb.docx": (make_bomb, "unpacks into too much"),
    "old.xlsx": (b"\xd0\xcf\x11\xe0" + b"\0" * 500, "encrypted"),
    "junk.txt": (bytes(range(256)) * 20, "not text"),
    "empty.md": (b"", "empty"),
    "page.html": (b"<nav>Home</nav><script>alert(1)</script>", "no text"),
    "strange.xyz": (b"x", "unsupported format"),
}


@pytest.mark.owasp("LLM10", "ASVS V5")
def test_one_bad_file_stops_nobody(tmp_path: Path) -> None:
    for name, (raw, _) in BAD.items():
        (tmp_path / name).write_bytes(raw() if callable(raw) else raw)
    (tmp_path / "good.md").write_text(LONG)
    readings = {reading.path.name: reading for reading in ReaderPool(2).read_all(sorted(tmp_path.iterdir()))}
    for name, (_, reason) in BAD.items():
        assert reason in readings[name].problem, (name, readings[name].problem)
    assert readings["good.md"].extract


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_read(tmp_path: Path) -> None:
    slow, good = tmp_path / "a.html", tmp_path / "b.md"
    slow.write_text("<div>" * 60_000 + LONG)
    good.write_text(LONG)
    readings = list(ReaderPool(1, wall_seconds=20).read_all([slow, good]))
    assert readings[1].extract


@pytest.mark.owasp("LLM10", "ASVS V5")
def test_a_hundred_damaged_files_are_each_read_or_refused_with_a_reason(tmp_path: Path) -> None:
    dice = random.Random(7)
    originals = {
        ".docx": make_docx(LONG, heading="A", table=[("a", "b"), ("c", "d")]), ".pptx": make_pptx(("A", LONG)),
        ".xlsx": make_xlsx([("a", "b"), (1, 2)]), ".pdf": make_pdf([LONG], [LONG]),
        ".eml": f"Subject: x\n\n{LONG}".encode(), ".html": f"<p>{LONG}</p>".encode(),
    }  # fmt: skip
    for number in range(100):
        suffix, raw = dice.choice(sorted(originals.items()))
        harmed = bytearray(raw)
        for _ in range(dice.randint(1, 30)):
            harmed[dice.randrange(len(harmed))] = dice.randrange(256)
        if dice.random() < 0.3:
            del harmed[dice.randrange(len(harmed)) :]
        (tmp_path / f"{number}{suffix}").write_bytes(harmed)
    readings = list(ReaderPool(2, wall_seconds=20).read_all(sorted(tmp_path.iterdir())))
    assert len(readings) == 100
    assert all(reading.extract or reading.problem for reading in readings)
