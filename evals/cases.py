"""Eval cases on disk: YAML lists in two halves, `tuned` and `held`, in a suite's folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, CitationKind, Outcome, Paragraph, Role
from advisor.domain.knowledge import Collection
from advisor.errors import InvalidInputError

OWN = Path(__file__).parent
"""The folder of the suite that the product is judged by."""
ADDED = OWN / "cases" / "tuned" / "added.yaml"
"""Cases that were made of answers."""
_SUITE = "suite.yaml"


class Half(StrEnum):
    """`tuned` cases may guide the work; `held` ones were written before it and only measure it."""

    TUNED = "tuned"
    HELD = "held"


class Kind(StrEnum):
    """What a case tries."""

    DIRECT = "direct"
    SYNTHESIS = "synthesis"
    MULTI_TURN = "multi_turn"
    MISCONCEPTION = "misconception"
    UNANSWERABLE = "unanswerable"
    ADVERSARIAL = "adversarial"
    REGISTER = "register"
    GAPS = "gaps"
    DOCUMENTS = "documents"
    REPLY = "reply"
    """A chat model's reply, played: see evals.generations."""


class Expect(StrEnum):
    """How the question should end."""

    ANSWERED = "answered"
    DECLINED = "declined"
    EITHER = "either"


class Way(StrEnum):
    """How it is asked."""

    PLAIN = "plain"
    TYPOS = "typos"
    TERSE = "terse"
    RAMBLING = "rambling"
    JARGON = "jargon"


class About(StrEnum):
    """Which side a question about the program should be answered from."""

    PROGRAM = "program"
    PLAYBOOK = "playbook"
    BOTH = "both"


class Scope(Value):
    """What a gap summary is of: the program, a site or an initiative."""

    site: str = ""
    initiative: str = ""


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f'"{pattern}" is no pattern: {error}') from error
    return pattern


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class EvalCase(Value):
    """A question and what a right answer holds.

    `sections` are ids of playbooks, or of sections ("kpis/choosing-kpis"), that must be cited, "a | b" for
    alternatives; `facts` are patterns that must all be found in the answer's text, `must_not` ones that may stand
    nowhere in what is received; both ignore case. `groups` are the labels of whoever asks. A case of the register is
    asked on the day `as_of` of the demo company, or of the suite's own register; `gaps` and `closed` are criteria that
    must and may not be told as open in `scope`. `pages` say on which page of a file the fact stands (0: on any). What
    is not `accepted` is a proposal and is not asked.
    """

    id: str
    kind: Kind
    question: str = Field(min_length=1)
    history: tuple[str, ...] = ()
    role: Role = Role.EXECUTIVE
    way: Way = Way.PLAIN
    groups: tuple[str, ...] = ()
    as_of: date = date(2026, 11, 20)
    about: About | None = None
    scope: Scope = Scope()
    expect: Expect
    sections: tuple[str, ...] = ()
    facts: tuple[Pattern, ...] = ()
    must_not: tuple[Pattern, ...] = ()
    gaps: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    pages: Mapping[str, int] = {}
    near_topic: bool = False
    accepted: bool = True

    @property
    def on_register(self) -> bool:
        """Whether it is asked of the demo company's register."""
        return self.kind in {Kind.REGISTER, Kind.GAPS}

    @property
    def topic(self) -> str:
        """The playbook that it is about first, or what it is about otherwise."""
        return self.sections[0].split("|")[0].split("/")[0].strip() if self.sections else self.kind.value


class Suite(Value):
    """A folder of cases. `collections` are folders of documents, `records` is a file of a register, named from there.

    Every question is asked with the documents, unless they stand `apart`: then only those of documents are. The file
    of records is one that `advisor export` writes; without, the demo company is asked about. With `replies`, those of a
    chat model are played as well (evals.generations).
    """

    folder: Path
    collections: tuple[Collection, ...] = ()
    apart: bool = False
    records: str = ""
    replies: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)
    """Those that are asked."""

    @property
    def out(self) -> Path:
        """Where runs and reports go."""
        return self.folder / "out"

    @property
    def baseline(self) -> Path:
        """What runs are compared with."""
        return self.folder / "baseline.json"

    @property
    def records_file(self) -> Path | None:
        """The file of the register, in full; None for the demo company."""
        return (self.folder / self.records).resolve() if self.records else None

    def list_collections(self) -> tuple[Collection, ...]:
        """Return the collections with their folders in full."""
        return tuple(c.model_copy(update={"path": str((self.folder / c.path).resolve())}) for c in self.collections)

    def only(self, kinds: frozenset[Kind]) -> Suite:
        """Return the suite with some kinds of cases."""
        return self.model_copy(update={"kinds": kinds, "replies": self.replies and Kind.REPLY in kinds})

    def load_cases(self, half: Half, *, proposed: bool = False) -> tuple[EvalCase, ...]:
        """Load the cases of one half, in file order; raise InvalidInputError for the first that is not one."""
        found: list[EvalCase] = []
        for file in sorted((self.folder / "cases" / half.value).glob("*.y*ml")):
            try:
                rows = yaml.safe_load(file.read_text(encoding="utf-8"))
                found += TypeAdapter(list[EvalCase]).validate_python(rows or [])
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise InvalidInputError(f"{file.name} is no YAML: {error}", "Mend the line that it names.") from error
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                raise InvalidInputError(
                    f"{file.name}, {place}: {first['msg']}", "See EvalCase in evals/cases.py."
                ) from error
        return tuple(case for case in found if (case.accepted or proposed) and case.kind in self.kinds)


def load_suite(folder: Path = OWN) -> Suite:
    """Read `suite.yaml` of a folder; raise InvalidInputError where there is none."""
    try:
        told = yaml.safe_load((folder / _SUITE).read_text(encoding="utf-8")) or {}
        return Suite(folder=folder.resolve(), **told)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise InvalidInputError(
            f"{folder} holds no suite of cases ({type(error).__name__}).", "Make one: `python -m evals init DIR`."
        ) from error


def case_of(answer: Answer) -> EvalCase:
    """Return a case that holds an answer to what it says today; raise InvalidInputError for one that says nothing."""
    books = dict.fromkeys(c.section_id.partition("/")[0] for c in answer.citations if c.kind is CitationKind.PLAYBOOK)
    first = answer.blocks[0] if answer.blocks else None
    if answer.outcome is not Outcome.ANSWERED or not books or not isinstance(first, Paragraph):
        raise InvalidInputError(
            "There is no answer from the playbooks to that question yet.", "Write the passage, and ingest it, first."
        )
    return EvalCase(
        id=f"added-{answer.id[:12]}",
        kind=Kind.DIRECT,
        question=answer.query,
        role=answer.role,
        expect=Expect.ANSWERED,
        sections=(next(iter(books)),),
        facts=(re.escape(first.sentences[0].text),),
    )


def append_case(case: EvalCase) -> None:
    """Add a case to the tuned half; raise InvalidInputError where its question is one already."""
    suite = load_suite()
    asked = {known.question.casefold() for half in Half for known in suite.load_cases(half)}
    if case.question.casefold() in asked:
        raise InvalidInputError("That question is a case already.", "Change that case instead.")
    with ADDED.open("a", encoding="utf-8") as file:
        file.write(write_cases([case]))


def write_cases(cases: list[EvalCase]) -> str:
    """Return cases as YAML, without what is as it is by default."""
    rows = [case.model_dump(mode="json", exclude_defaults=True) for case in cases]
    return yaml.safe_dump(rows, sort_keys=False, allow_unicode=True, width=120)
