"""What a judge looks at, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from advisor.answering.documents import TITLE
from advisor.domain.base import Value
from advisor.domain.dialogue import Answer, Checklist, ListBlock, Paragraph, Table
from advisor.domain.gaps import Gap, GapSummary
from advisor.domain.knowledge import Section
from advisor.domain.register import Register
from evals.cases import EvalCase
from evals.facts import Facts
from evals.recount import Known

_MARK = re.compile(r"\s*\[\d+\]")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_NOT_SAID = frozenset({"id", "conversation_id", "question", "query", "role", "generation"})
"""Fields of an answer that tell nothing, or only what was asked."""


class Score(Value):
    """How far something held, 0 to 1 (a latency: milliseconds), and what did not."""

    value: float
    reason: str = ""


class Summary(NamedTuple):
    """A gap summary, the register, all criteria that are open there, and the gaps as they were ranked apart from it.

    `titles` are those of all gaps by criterion; `places` are the names in the scope, empty for the whole program, of
    all `names` of initiatives and sites.
    """

    page: GapSummary
    register: Register
    open: frozenset[str]
    gaps: tuple[Gap, ...]
    titles: Mapping[str, str] = {}
    places: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class File(NamedTuple):
    """A document as its suite and its disk know it."""

    path: str
    title: str
    label: str = ""
    modified_on: date | None = None


class Seen(NamedTuple):
    """All that a judge may look at. `found` are the ids of the sections that retrieval ranked, best first."""

    case: EvalCase
    answer: Answer
    sections: Mapping[str, Section]
    found: Sequence[str] = ()
    milliseconds: float = 0.0
    summary: Summary | None = None
    files: Mapping[str, File] = {}
    """All documents there are, by their id."""
    sources: Mapping[str, tuple[str, str]] = {}
    """Title and publisher of articles, by their id."""
    worded: bool = False
    """Whether a chat model worded the answer."""
    facts: Facts | None = None
    """What stands in the register, for a question on it."""
    known: Known | None = None
    """How the criteria stand on it."""

    @property
    def said(self) -> str:
        """What the answer says, without the marks of its citations and the title of the documents' part."""
        return _MARK.sub("", self.answer.text).replace(TITLE, "")

    @property
    def received(self) -> str:
        """Every text of the answer as it is sent: blocks, citations, suggestions and notices."""
        return "\n".join(_list_texts(self.answer.model_dump(mode="json", exclude=set(_NOT_SAID))))


def _list_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _list_texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _list_texts(inner)


def plain(text: str) -> str:
    """Return a text without links and emphasis, with single spaces."""
    return " ".join(_LINK.sub(r"\1", text).replace("*", "").replace("`", "").split())


def share(checks: Mapping[str, bool] | Sequence[tuple[str, bool]]) -> Score | None:
    """Return the share of checks that held, or None where there was nothing to check."""
    pairs = list(checks.items()) if isinstance(checks, Mapping) else checks
    missed = [name for name, held in pairs if not held]
    return Score(value=1 - len(missed) / len(pairs), reason="; ".join(missed)) if pairs else None


def word_pattern(pattern: str) -> str:
    """Return a pattern of a case as a reader would say it: `(two|2) months?` is two/2 months."""
    text = re.sub(r"\(\?<?[=!][^()]*\)|\\[bB]|[\^$]", "", pattern).replace("(?:", "(")
    while (plainer := re.sub(r"\(([^()]*)\)[?*+]?", lambda group: group[1].replace("|", "/"), text)) != text:
        text = plainer
    text = re.sub(r"\[\^[^\]]*\](?:[*+]|\{[\d,]+\})|\.(?:[*+]|\{[\d,]+\})\??", " … ", text)
    text = re.sub(r"\\[WsS][*+?]?|\[ -\]\??|\[- \]\??", " ", text).replace("|", "/")
    return " ".join(re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[?*+]", "", text)).split())


def list_sentences(answer: Answer) -> list[tuple[str, tuple[int, ...]]]:
    """Return every sentence, list item and table row with its citation numbers."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for block in answer.blocks:
        match block:
            case Paragraph():
                found += [(sentence.text, sentence.citations) for sentence in block.sentences]
            case ListBlock() | Checklist():
                found += [(item.text, item.citations) for item in block.items]
            case Table():
                found += [(" | ".join(row.cells), row.citations) for row in block.rows]
            case _:
                pass
    return found
