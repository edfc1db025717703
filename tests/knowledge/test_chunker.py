from advisor.domain.knowledge import KnowledgeBase, Section, SectionKind, Statement, StatementKind
from advisor.knowledge.chunker import MAX_WORDS, split_sections
from advisor.text import count_words


def make_section(*statements: Statement) -> Section:
    return Section(
        id="p/s",
        playbook="p",
        playbook_title="P",
        heading="S",
        kind=SectionKind.ANSWER,
        statements=statements,
        columns=(),
    )


def test_a_chunk_carries_its_heading_path() -> None:
    (chunk,) = split_sections((make_section(Statement(text="A point.", kind=StatementKind.POINT)),))
    assert chunk.indexed_text == "P > S\nA point."


def test_a_long_section_is_split_between_blocks_and_a_list_stays_whole() -> None:
    reasons = [Statement(text="word " * 90, kind=StatementKind.REASON, block=n) for n in range(1, 4)]
    steps = [Statement(text="step " * 60, kind=StatementKind.STEP, block=4 + n) for n in range(4)]
    chunks = split_sections((make_section(Statement(text="Point.", kind=StatementKind.POINT), *reasons, *steps),))
    assert len(chunks) == 4
    assert [c for c in chunks if "step" in c.text] == [chunks[-1]]
    assert chunks[-1].text.split().count("step") == 240


def test_tasks_are_not_indexed_as_text() -> None:
    task = Statement(text="Do this.", kind=StatementKind.TASK, block=1)
    (chunk,) = split_sections((make_section(Statement(text="Point.", kind=StatementKind.POINT), task),))
    assert "Do this" not in chunk.text


def test_chunks_of_the_playbooks_fit_the_model(knowledge: KnowledgeBase) -> None:
    chunks = split_sections(knowledge.sections)
    assert {chunk.section_id for chunk in chunks} == {section.id for section in knowledge.sections}
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    longest = max(count_words(chunk.text) for chunk in chunks)
    assert longest < 2 * MAX_WORDS
