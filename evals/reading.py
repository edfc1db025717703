"""Answers from documents, end to end, against gold texts: exact match and token F1 as SQuAD 2.0 defines them.

Reads a file in SQuAD 2.0's layout (Rajpurkar et al. 2018), or a folder in BEIR's with `metadata.answers` and
`metadata.answerability`, as CLAP NQ has. All paragraphs are indexed together: the right one has to be found first.
Answers are whole sentences, so that a short gold span can be contained without being matched; that share is told too.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from advisor.answering.documents import THRESHOLD, measure, pick_sentences, weigh
from advisor.domain.dialogue import Query
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import InvalidInputError
from advisor.ports import Embedder
from evals.benchmark import BenchmarkSet, index_texts, load_set
from evals.metrics import COVERAGES, Floats, find_auroc, find_interval, find_risks

_MOST = 3
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


class Question(NamedTuple):
    """A question and its gold texts; without any, it has no answer."""

    text: str
    gold: tuple[str, ...]


class Reading(NamedTuple):
    """What became of a question. `chance` is that the documents answer it."""

    answerable: bool
    chance: float
    exact: float
    overlap: float
    contained: float


def load_questions(place: Path) -> tuple[dict[str, tuple[str, str]], list[Question]]:
    """Return texts (title, text) by id, and questions; raise InvalidInputError for another layout."""
    try:
        return _load_squad(place) if place.is_file() else _load_beir(place)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"{place} is in neither layout ({type(error).__name__}).",
            "Give a SQuAD 2.0 file, or a folder with corpus.jsonl and queries.jsonl whose metadata holds answers.",
        ) from error


def _load_squad(file: Path) -> tuple[dict[str, tuple[str, str]], list[Question]]:
    texts: dict[str, tuple[str, str]] = {}
    questions: list[Question] = []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            texts[f"text-{len(texts)}"] = (article.get("title", ""), paragraph["context"])
            for row in paragraph["qas"]:
                gold = () if row.get("is_impossible") else tuple(answer["text"] for answer in row["answers"])
                questions.append(Question(row["question"], gold))
    return texts, questions


def _load_beir(folder: Path) -> tuple[dict[str, tuple[str, str]], list[Question]]:
    questions = []
    for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        told = row["metadata"]
        answerable = str(told["answerability"]).upper() == "ANSWERABLE"
        questions.append(Question(row["text"], tuple(told.get("answers") or ()) if answerable else ()))
    return load_set(folder).texts, questions


def read_all(
    texts: dict[str, tuple[str, str]], questions: Sequence[Question], embedder: Embedder, place: Path, console: Console
) -> list[Reading]:
    """Ask every question of all texts together."""
    retriever, _ = index_texts(BenchmarkSet("reading", texts, {}, {}), embedder, place)
    readings = []
    for question in track(questions, "asking", console=console, transient=True):
        retrieval = retriever.retrieve(Query(text=question.text), LOCAL_CALLER)
        picks = pick_sentences(retrieval, _MOST)
        chance = weigh(measure(retrieval, picks)) if picks else 0.0
        told = [pick.statement.text for pick in picks] if chance >= THRESHOLD else []
        readings.append(_judge(question, chance, told))
    return readings


def _judge(question: Question, chance: float, told: Sequence[str]) -> Reading:
    if not question.gold or not told:
        right = float(not question.gold and not told)
        return Reading(bool(question.gold), chance, right, right, right)
    whole = normalise(" ".join(told))
    return Reading(
        answerable=True,
        chance=chance,
        exact=max(float(normalise(told[0]) == normalise(gold)) for gold in question.gold),
        overlap=max(find_overlap(told[0], gold) for gold in question.gold),
        contained=float(any(normalise(gold) in whole for gold in question.gold)),
    )


def normalise(text: str) -> str:
    """Return a text in lower case, without punctuation, articles and spare blanks, as SQuAD's own script does."""
    plain = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def find_overlap(told: str, gold: str) -> float:
    """Return the F1 of the words that two texts share, repeats counted."""
    said, wanted = normalise(told).split(), normalise(gold).split()
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted)) if shared else 0.0


def report(place: Path, embedder: Embedder, console: Console) -> None:
    """Print what became of the questions, with 95 % intervals, and the risk-coverage curve."""
    texts, questions = load_questions(place)
    console.print(f"{place.name}: {len(texts):,} texts, {len(questions):,} questions")
    with TemporaryDirectory() as folder:
        readings = read_all(texts, questions, embedder, Path(folder), console)
    answerable: Floats = np.array([reading.answerable for reading in readings], dtype=np.float64)
    chances: Floats = np.array([reading.chance for reading in readings], dtype=np.float64)
    right = (chances >= THRESHOLD) == (answerable > 0)
    rows = {
        "answered or declined rightly": right.astype(np.float64),
        "exact match": np.array([reading.exact for reading in readings]),
        "token F1": np.array([reading.overlap for reading in readings]),
        "token F1, answerable only": np.array([r.overlap for r in readings if r.answerable]),
        "a gold text stands in the answer, answerable only": np.array([r.contained for r in readings if r.answerable]),
    }
    for name, values in rows.items():
        if len(values):
            low, high = find_interval(values)
            console.print(f"{name}: {values.mean():.3f} ({low:.3f} to {high:.3f}; {len(values)})", highlight=False)
    if 0 < answerable.sum() < len(answerable):
        risks = ", ".join(
            f"{share:.0%}: {risk:.3f}" for share, risk in zip(COVERAGES, find_risks(chances, answerable), strict=True)
        )
        console.print(f"AUROC {find_auroc(chances, answerable):.3f}; risk at coverage {risks}", highlight=False)
