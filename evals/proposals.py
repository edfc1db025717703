"""Cases proposed by rule: from the tables, figures and headings of a document, and from the records of a register."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from advisor.domain.knowledge import Section, Statement, StatementKind
from advisor.domain.records import RecordKind, Stage
from advisor.domain.register import RecordChange
from advisor.text import NUMBER_WORDS, STOP_WORDS, decapitalise, slugify
from evals.cases import About, EvalCase, Expect, Kind
from evals.turned import AMOUNT

_FEWEST_WORDS, _MOST_WORDS = 6, 40
_LONGEST_PHRASE = 4
_MOST_INITIATIVES = 12
_GENERIC = frozenset(
    """about abstract annex appendix background conclusion conclusions contact contents context definitions description
    example examples faq foreword general glossary goal goals history introduction intro next notes objective objectives
    overview preface purpose questions references related results scope summary terms tips need needs problem solution
    why what how details more information steps other approach benefits results""".split()
)
"""Headings that name no subject."""
_ARTICLES = frozenset("a an the its our their each every this".split())
_BARE = frozenset("whoever whatever wherever per without".split())
_EMPTY = frozenset({"", "nan", "none", "n/a", "na", "-", "–", "—", "?", "tbd", "x"})
_WORDS = {digits: word for word, digits in NUMBER_WORDS.items()}
_NEAR = (
    "What did it cost us last year to work by “{title}”?",
    "Who wrote the first draft of “{title}”, and in which year?",
    "How many people failed the test on “{title}” last quarter?",
)
"""Questions whose words a document has, and whose answer it hardly ever holds."""


def propose_of(sections: Sequence[Section], file: str, groups: tuple[str, ...]) -> list[EvalCase]:
    """Return proposals from a document: rows of tables first, then sentences with figures, then headings."""
    rows: list[EvalCase] = []
    figures: list[EvalCase] = []
    headings: list[EvalCase] = []
    for section in sections:
        told = False
        for statement in section.statements:
            if statement.kind is StatementKind.ROW:
                rows += _ask_row(section, statement, file)
            elif _is_whole(statement) and (asked := list(_ask_figure(section, statement, file))):
                figures += asked
            elif _is_whole(statement) and not told and _is_subject(section):
                told = True
                headings += _ask_heading(section, statement, file)
    return [case.model_copy(update={"groups": groups}) for case in (*rows, *figures, *headings)]


def close(case: EvalCase) -> EvalCase:
    """Return the twin of a case that is asked without the label: what the labelled document states may not be said."""
    return case.model_copy(
        update={
            "id": f"{case.id}-closed",
            "groups": (),
            "expect": Expect.EITHER,
            "facts": (),
            "must_not": case.facts,
            "pages": {},
        }
    )


def propose_near(titles: Sequence[str]) -> Iterator[EvalCase]:
    """Yield questions on the documents that they most likely do not answer."""
    for number, (title, text) in enumerate(zip(titles, _NEAR, strict=False), 1):
        yield EvalCase(
            id=f"near-topic-{number}",
            kind=Kind.UNANSWERABLE,
            question=text.format(title=title),
            expect=Expect.DECLINED,
            near_topic=True,
        )


def propose_on_program(changes: Iterable[RecordChange], day: date) -> Iterator[EvalCase]:
    """Yield questions on a company's own initiatives: who answers for each, and where it stands."""
    made = [change.fields for change in changes if change.kind is RecordKind.INITIATIVE and "name" in change.fields]
    for fields in made[:_MOST_INITIATIVES]:
        name, owner, stage = (str(fields.get(field, "")) for field in ("name", "accountable_owner", "stage"))
        asked = {f"Who is accountable for {name}?": owner or "Nobody"}
        if stage in set(Stage):
            asked[f"Which stage is {name} in?"] = Stage(stage).words
        for question, fact in asked.items():
            yield EvalCase(
                id=slugify(f"program {question}")[:60],
                kind=Kind.REGISTER,
                question=question,
                as_of=day,
                about=About.PROGRAM,
                expect=Expect.ANSWERED,
                facts=(escape(fact),),
            )


def _ask_row(section: Section, statement: Statement, file: str) -> Iterator[EvalCase]:
    cells = [cell.strip() for cell in statement.cells]
    columns = [column.strip() for column in section.columns]
    for cell, column in list(zip(cells, columns, strict=False))[1:2]:
        if not ({cells[0].lower(), cell.lower(), column.lower()} & _EMPTY or column.lower().startswith("unnamed")):
            question = f"{_place(section).rstrip(',')}: what is “{column}” for “{cells[0]}”?"
            yield _make(section, statement, file, question, rf"(?<!\w){escape(cell)}(?!\w)")


def _ask_figure(section: Section, statement: Statement, file: str) -> Iterator[EvalCase]:
    """Yield a question for the first amount with a unit of a sentence, that does not give the sentence away."""
    amounts = (match for match in AMOUNT.finditer(statement.text) if match["unit"])
    amount = next((match for match in amounts if match["first"].lower() not in {"one", "1"}), None)
    if amount is None:
        return
    rest = f"{statement.text[: amount.start()]} . {statement.text[amount.end() :]}"
    phrase, unit = find_phrase(rest), amount["unit"].lower()
    if phrase:
        asks = {"%": "What percentage", "percent": "What percentage", "per cent": "What percentage"}.get(
            unit, f"How many {unit if unit.endswith('s') else unit + 's'}"
        )
        question = f"{asks} does {_place(section)} give for “{phrase}”?"
        yield _make(section, statement, file, question, _word_amount(amount))


def _word_amount(amount: re.Match[str]) -> str:
    """Return a pattern of a figure with its unit, in digits or in words."""
    value = amount["second"] or amount["first"]
    digits = NUMBER_WORDS.get(value.lower(), value)
    either = sorted({value.lower(), digits, _WORDS.get(digits, digits)})
    unit = amount["unit"].lower()
    units = r"(?:%|per ?cent)" if unit in {"%", "percent", "per cent"} else rf"{escape(unit.removesuffix('s'))}s?"
    return rf"(?<!\w)(?:{'|'.join(map(escape, either))})[\s-]*(?:\w+ )?{units}"


def _ask_heading(section: Section, statement: Statement, file: str) -> Iterator[EvalCase]:
    phrase = find_phrase(statement.text)
    if phrase and not set(phrase.lower().split()) <= set(section.heading.lower().split()):
        question = f"What does “{find_title(section)}” say under “{_plain(section.heading)}”?"
        yield _make(section, statement, file, question, escape(phrase).replace(" ", r"\W+"))


def _make(section: Section, statement: Statement, file: str, question: str, fact: str) -> EvalCase:
    return EvalCase(
        id=slugify(f"{Path(file).stem} {section.heading}")[:60],
        kind=Kind.DOCUMENTS,
        question=" ".join(question.split()),
        expect=Expect.ANSWERED,
        facts=(fact,),
        pages={file: statement.page or 0},
    )


def find_phrase(text: str) -> str:
    """Return what a sentence is about: its longest run of words that carry meaning, best one after an article."""
    runs: list[list[str]] = [[]]
    named = [0]
    for word in re.findall(r"[^\W\d_][\w'’-]*|\S", text):
        if word.lower() in STOP_WORDS or word.lower() in _BARE or not word[0].isalpha():
            runs.append([])
            named.append(word.lower() in _ARTICLES)
        else:
            runs[-1].append(word)
    best = max(zip(runs, named, strict=True), key=lambda r: (min(len(r[0]), 3) + r[1], len(" ".join(r[0])), r[1]))[0]
    return decapitalise(" ".join(best[:_LONGEST_PHRASE]))


def _is_subject(section: Section) -> bool:
    """Whether a heading says what its section is about."""
    said = [word for word in re.findall(r"[a-z]+", _plain(section.heading).lower()) if word not in STOP_WORDS]
    return bool(said) and not set(said) <= _GENERIC and not _is_title(section)


def _is_title(section: Section) -> bool:
    return slugify(_plain(section.heading)) == slugify(find_title(section))


def _place(section: Section) -> str:
    """Return where to look, as words: a title, and the heading under it."""
    title = f"“{find_title(section)}”"
    return title if _is_title(section) else f"{title}, under “{_plain(section.heading)}”,"


def find_title(section: Section) -> str:
    """Return the title of a document as its first heading has it, or its file's name in words."""
    first, *more = re.split(r" [›>] ", section.heading)
    title = section.playbook_title
    if " " in title:
        return title
    return first if more else title.replace("-", " ").replace("_", " ")


def escape(text: str) -> str:
    """Return a pattern of a text that a person can read."""
    return re.sub(r"\\([ %,-])", r"\1", re.escape(text.strip()))


def _is_whole(statement: Statement) -> bool:
    return _FEWEST_WORDS <= len(statement.text.split()) <= _MOST_WORDS and statement.text.rstrip()[-1:] in ".!"


def _plain(heading: str) -> str:
    """Return the last part of a heading, without numbers before it."""
    return re.sub(r"^[\d.\s]+", "", re.split(r" [›>] ", heading)[-1]).strip() or heading
