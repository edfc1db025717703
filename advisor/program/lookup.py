"""Finds the records that a question is after: by the words that they share, and by meaning where there is a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

from advisor.domain.records import FIELDS, RecordKind
from advisor.domain.register import AnyRecord, Register
from advisor.ports import Embedder, Vectors
from advisor.program.conditions import word_field, word_record, word_value
from advisor.program.engine import Engine
from advisor.text import content_stems

_CANDIDATES = 24
"""Records that share the most with a question, whose meaning is looked at."""
_UNKNOWN = 0.4
"""How close a question and a record count as being where there is no model: too little for common words alone."""
_LESS = {RecordKind.INTERVENTION: 0.9}
"""Kinds of which there are so many, so alike, that another record speaks better."""
_REMEMBERED = 20_000
"""Vectors and texts of records; more than that are forgotten at once."""
_COUNTED = {"every_days": "every {} days", "window_months": "judged after {} months", "check_in_days": "every {} days"}
_TRIVIAL = frozenset(
    content_stems("day date week month quarter year million thousand note against ten night shift head letter")
    + tuple(stem for kind in RecordKind for stem in content_stems(kind.words))
)
"""Words of a register that anybody uses."""
_HIDDEN = frozenset({"initiative", "site", "card", "label"})
_KINDS = tuple(
    model
    for kind, model in FIELDS.items()
    if kind not in {RecordKind.SITE, RecordKind.INITIATIVE, RecordKind.KPI_READING}
)


class Found(NamedTuple):
    """A record and how well it fits a question, 0 to about 1."""

    record: AnyRecord
    score: float


_Key = tuple[RecordKind, str, int, str]
"""Kind, subject, newest entry, and the name of the initiative: a record under that says the same for good."""


class _Index:
    """The records of a register by the stems of what they say."""

    def __init__(self, register: Register, told: dict[_Key, tuple[str, frozenset[str]]]) -> None:
        self._register = register
        self._told = told

    @cached_property
    def rows(self) -> list[tuple[AnyRecord, str, frozenset[str]]]:
        names = {i.subject: i.fields.name for i in self._register.initiatives}
        return [
            (record, *self._tell(record, names.get(getattr(record.fields, "initiative", ""), "")))
            for model in _KINDS
            for record in self._register.all(model)
        ]

    def _tell(self, record: AnyRecord, initiative: str) -> tuple[str, frozenset[str]]:
        key = (record.fields.kind, record.subject, record.version, initiative)
        if key not in self._told:
            text = describe(record, initiative)
            self._told[key] = text, frozenset(content_stems(text))
        return self._told[key]

    @cached_property
    def weights(self) -> dict[str, float]:
        """Inverse document frequency of each stem (Robertson and Sparck Jones 1976)."""
        counts = Counter(stem for _, _, stems in self.rows for stem in stems)
        return {stem: math.log(1 + len(self.rows) / count) for stem, count in counts.items()}


class Lookup:
    """Searches the records of registers; what it knows of one is kept as long as its engine is."""

    def __init__(self) -> None:
        self._embedder: Embedder | None = None
        self._vectors: dict[str, Vectors] = {}
        self._told: dict[_Key, tuple[str, frozenset[str]]] = {}
        self._indices: WeakKeyDictionary[Engine, _Index] = WeakKeyDictionary()

    def use(self, embedder: Embedder) -> None:
        """Compare questions and records by meaning too, from now on."""
        self._embedder = embedder

    def find(self, engine: Engine, question: str, initiatives: Collection[str]) -> list[Found]:
        """Return the records of initiatives (ids), and of none, that fit a question, the best first."""
        index = self._get_index(engine)
        stems = set(content_stems(question)) & index.weights.keys()
        asked = sum(index.weights[stem] for stem in stems)
        if not asked:
            return []
        shared: list[tuple[float, AnyRecord, str]] = []
        for record, text, own in index.rows:
            if getattr(record.fields, "initiative", "") in {*initiatives, ""} and (common := stems & own):
                shared.append((sum(index.weights[stem] for stem in common) / asked, record, text))
        shared.sort(key=lambda row: (-row[0], -row[1].as_of.toordinal(), -row[1].version))
        best = shared[:_CANDIDATES]
        near = self._compare(question, [text for _, _, text in best])
        found = [
            Found(record, (share + close) / 2 * _LESS.get(record.fields.kind, 1.0))
            for (share, record, _), close in zip(best, near, strict=True)
        ]
        return sorted(found, key=lambda one: -one.score)

    def find_own(self, engine: Engine, question: str, ordinary: Collection[str]) -> set[str]:
        """Return the stems of a question that stand in the register and in no playbook."""
        known = self._get_index(engine).weights
        return {stem for stem in content_stems(question) if stem in known and stem.isalpha()} - _TRIVIAL - set(ordinary)

    def _get_index(self, engine: Engine) -> _Index:
        if len(self._told) > _REMEMBERED:
            self._told = {}
        index = self._indices.get(engine)
        if index is None:
            index = self._indices[engine] = _Index(engine.register, self._told)
        return index

    def _compare(self, question: str, texts: Sequence[str]) -> list[float]:
        if self._embedder is None or not texts:
            return [_UNKNOWN] * len(texts)  # words alone decide
        vectors = {text: vector for text in texts if (vector := self._vectors.get(text)) is not None}
        own, *others = self._embedder.embed([question, *(new := [text for text in texts if text not in vectors])])
        vectors |= dict(zip(new, others, strict=True))
        if len(self._vectors) > _REMEMBERED:
            self._vectors = {}
        self._vectors.update(vectors)
        return [float(own @ vectors[text]) for text in texts]


def describe(record: AnyRecord, initiative: str = "") -> str:
    """Return all that a record says, in words, after what it is and the name of its initiative."""
    place = f" ({initiative})" if initiative else ""
    told = [f"{word_field(name)} {word}" if name else word for name, word in _list_fields(record)]
    return f"{word_record(record)}{place}: {', '.join(told)}"


def _list_fields(record: AnyRecord) -> Iterator[tuple[str, str]]:
    """Yield what fields say, under their names where those help; what is the record's title is said already."""
    title = word_record(record)
    for name in type(record.fields).model_fields:
        value = getattr(record.fields, name)
        if name in _HIDDEN or value in (None, "", ()) or value is False:
            continue
        word = ", ".join(map(str, value)) if isinstance(value, tuple) else word_value(value).rstrip(".")
        if name == "response" and value == "none":
            yield "", "no response"
        elif name in _COUNTED:
            yield "", _COUNTED[name].format(word)
        elif value is True:
            yield "", word_field(name)
        elif not title.endswith(word):
            yield name, word.replace("-", " ") if name == "criterion" else word
