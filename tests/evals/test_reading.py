"""Questions from public sets: both layouts are read, and answers are scored as SQuAD's own script does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from advisor.errors import InvalidInputError
from advisor.ports import Embedder
from evals.benchmark import load_published
from evals.reading import Question, find_overlap, load_questions, normalise, read_all

ALARM = "Every alarm of the gearbox monitor is answered within ten minutes by the shift lead on duty."
PAINT = "The paint line is cleaned on Fridays after the late shift has handed over its last car body."


def write_squad(file: Path) -> Path:
    paragraphs = [
        {"context": ALARM, "qas": [
            {"question": "Who answers an alarm of the gearbox monitor?", "answers": [{"text": "the shift lead"}]},
            {"question": "Who won the cup in 1974?", "is_impossible": True, "answers": []},
        ]},
        {"context": PAINT, "qas": []},
    ]  # fmt: skip
    file.write_text(json.dumps({"data": [{"title": "Plant", "paragraphs": paragraphs}]}))
    return file


def test_scores_follow_the_script() -> None:
    assert normalise("The  shift-lead, on duty!") == "shiftlead on duty"
    assert find_overlap("the shift lead", "A shift lead") == 1.0
    assert find_overlap("the shift lead on duty", "shift lead") == pytest.approx(2 * 2 / 6)
    assert find_overlap("nothing", "else") == 0.0


def test_questions_are_answered_from_the_paragraph_that_holds_them(embedder: Embedder, tmp_path: Path) -> None:
    texts, questions = load_questions(write_squad(tmp_path / "squad.json"))
    assert len(texts) == 2
    found, impossible = read_all(texts, questions, embedder, tmp_path / "index", Console(quiet=True))
    assert (found.answerable, found.contained) == (True, 1.0)
    assert 0.2 < found.overlap < 1
    assert (impossible.answerable, impossible.exact, impossible.overlap) == (False, 1.0, 1.0)
    assert found.chance > impossible.chance


def test_a_folder_in_the_other_layout_is_read(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "t", "text": ALARM}))
    rows = [
        {"_id": "a", "text": "Who?", "metadata": {"answerability": "ANSWERABLE", "answers": ["the shift lead"]}},
        {"_id": "b", "text": "Why?", "metadata": {"answerability": "UNANSWERABLE", "answers": ["no"]}},
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "qrels" / "test.tsv").write_text("query\ttext\tscore\na\tt\t1\n")
    assert load_questions(tmp_path)[1] == [Question("Who?", ("the shift lead",)), Question("Why?", ())]


@pytest.mark.parametrize("content", ["{}", "no json", '{"data": [{"paragraphs": [{}]}]}'])
def test_another_layout_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(InvalidInputError, match="neither layout"):
        load_questions(file)


def test_what_others_published_is_kept_by_set() -> None:
    assert all(0 < ndcg < 1 for systems in load_published().values() for ndcg in systems.values())
