import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.domain.knowledge import SectionKind, StatementKind
from advisor.errors import KnowledgeError
from advisor.knowledge.playbooks import load_knowledge_base, load_playbook
from tests.conftest import SMALL


@pytest.fixture
def base(tmp_path: Path) -> Path:
    shutil.copytree(SMALL, tmp_path / "base")
    return tmp_path / "base"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_section_is_read_into_statements() -> None:
    section = load_playbook(SMALL / "coffee.md").sections[0]
    assert section.id == "coffee/brewing-time"
    assert [s.text for s in section.of_kind(StatementKind.POINT)] == ["Brew filter coffee for four minutes."]
    assert section.of_kind(StatementKind.POINT)[0].note == "the article gives no origin for the figure"
    assert [s.labelled for s in section.of_kind(StatementKind.STEP)] == [
        "Grind. Grind the beans just before brewing.",
        "Pour. Pour the water in slow circles.",
        "Wait. Wait until the filter has run dry.",
    ]
    assert len(section.of_kind(StatementKind.TASK)) == 2
    assert all(s.sources == ("S1",) for s in section.statements if s.kind is not StatementKind.LEAD)


def test_a_table_keeps_its_rows_and_columns() -> None:
    section = load_playbook(SMALL / "coffee.md").sections[1]
    assert section.columns == ("Machine", "Cups an hour", "Drawback")
    assert section.of_kind(StatementKind.ROW)[1].cells == ("Espresso machine", "25", "Queues in the morning")


def test_a_limit_says_what_is_open_and_what_to_do_instead() -> None:
    limit = load_playbook(SMALL / "coffee.md").sections[-1]
    assert limit.kind is SectionKind.LIMIT
    assert [s.text for s in limit.statements] == [
        "The article names no price for any coffee machine.",
        "Instead, ask two dealers for an offer.",
    ]


MALFORMED: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "no front matter": ("coffee.md, line 1", lambda b: edit(b / "coffee.md", "---\ntitle", "title"), "---"),
    "front matter lacks a key": (
        "coffee.md, line 2",
        lambda b: edit(b / "coffee.md", "summary: How a plant makes good coffee.\n", ""),
        "title and summary",
    ),
    "front matter is not YAML": (
        "coffee.md, line 3",
        lambda b: edit(b / "coffee.md", "title: Coffee", "title: [Coffee"),
        "indentation",
    ),
    "a sentence without source": (
        "coffee.md, line 10",
        lambda b: edit(b / "coffee.md", "flavours first. [S1]", "flavours first."),
        "marker",
    ),
    "two sentences in the first paragraph": (
        "coffee.md, line 8",
        lambda b: edit(b / "coffee.md", "for four minutes. [S1; the", "for four minutes. Or five. [S1; the"),
        "key point alone",
    ),
    "a strange heading": (
        "coffee.md, line 20",
        lambda b: edit(b / "coffee.md", "### What to do", "### Also"),
        "What to do",
    ),
    "a short row": (
        "coffee.md, line 33",
        lambda b: edit(b / "coffee.md", "| Filter machine | 60 |", "| Filter machine |"),
        "one cell a column",
    ),
    "a limit without instead": (
        "coffee.md, line 38",
        lambda b: edit(b / "coffee.md", "Instead, ask", "Then ask"),
        "Instead",
    ),
    "no limits": (
        "tea.md",
        lambda b: edit(b / "tea.md", "## What this playbook does not say", "## Origin"),
        "one bullet a topic",
    ),
    "the sidecar is missing": ("coffee.yaml", lambda b: (b / "coffee.yaml").unlink(), "beside the playbook"),
    "the sidecar is not YAML": (
        "coffee.yaml, line",
        lambda b: edit(b / "coffee.yaml", "questions:", "questions: {"),
        "Quote",
    ),
    "the sidecar has an unknown key": (
        "coffee.yaml",
        lambda b: edit(b / "coffee.yaml", "limits:", "limitations:"),
        "CONTRIBUTING",
    ),
    "the sidecar names no section": (
        "coffee.yaml",
        lambda b: edit(b / "coffee.yaml", "  Machines compared:", "  Machines:"),
        "questions",
    ),
    "too few questions": (
        "coffee.yaml",
        lambda b: edit(b / "coffee.yaml", "      - Why is our coffee bitter?\n", ""),
        "leaders",
    ),
    "a correction that is not in the section": (
        "coffee.yaml",
        lambda b: edit(b / "coffee.yaml", "Coffee turns bitter", "Coffee goes bitter"),
        "word for word",
    ),
    "an unknown source": ("coffee.md", lambda b: edit(b / "coffee.md", "S1] Hot", "S7] Hot"), "sources.yaml"),
    "not UTF-8": ("coffee.md", lambda b: (b / "coffee.md").write_bytes(b"\xff\xfe---"), "UTF-8"),
    "no playbooks": ("base", lambda b: [f.unlink() for f in b.glob("*.md")] and None, "KNOWLEDGE_BASE_DIR"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_playbook_is_refused_with_file_line_and_remedy(base: Path, name: str) -> None:
    place, breakage, remedy = MALFORMED[name]
    breakage(base)
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge_base(base)
    assert str(caught.value).startswith(place), str(caught.value)
    assert remedy in str(caught.value)
