"""Slips of the finger in a question: words that are no English become the playbooks' word that is nearest.

Symmetric deletes (Garbe 2012, symspellpy) over the words of the playbooks; a list of 82,765 English words says what is
no slip. Names, short words and figures stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, cached_property
from importlib.resources import files

from symspellpy import SymSpell, Verbosity

from advisor.text import STOP_WORDS, stem

_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_SHORTEST = 4
_ONE_SLIP = 5
"""Letters up to which a word may differ in one place only; longer ones in two."""
_MOST_STRANGE = 0.5
"""Share of a question's words that are no English from which on it is another language, unless some plainly are."""
_FEWEST_ENGLISH = 2


class Speller:
    """Corrects words towards those of some texts, which are read when a first word is no English."""

    def __init__(self, list_texts: Callable[[], Iterable[str]]) -> None:
        self._list_texts = list_texts

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(word.lower() for text in self._list_texts() for word in _WORD.findall(text))

    @cached_property
    def _stems(self) -> set[str]:
        return {stem(word) for word in self._counts}

    @cached_property
    def _index(self) -> SymSpell:
        index = SymSpell(max_dictionary_edit_distance=2)
        for word, count in self._counts.items():
            index.create_dictionary_entry(word, count)
        return index

    def correct(self, text: str) -> str:
        """Return a question with its slips mended; what nothing comes near stays."""
        tokens = list(_WORD.finditer(text))
        strange = [match for match in tokens if self._is_strange(match, text)]
        english = sum(match.group().lower() in STOP_WORDS for match in tokens)
        if len(strange) >= _MOST_STRANGE * len(tokens) and english < _FEWEST_ENGLISH:
            return text
        for match in reversed(strange):
            if word := self._find_nearest(match.group()):
                text = text[: match.start()] + word + text[match.end() :]
        return text

    def _is_strange(self, match: re.Match[str], text: str) -> bool:
        word = match.group()
        opens = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".!?:"
        if len(word) < _SHORTEST or not (word.islower() or (opens and word[1:].islower())):
            return False
        return word.lower() not in _load_english() and stem(word.lower()) not in self._stems

    def _find_nearest(self, word: str) -> str:
        most = 1 if len(word) <= _ONE_SLIP else 2
        for found in self._index.lookup(word.lower(), Verbosity.CLOSEST, max_edit_distance=most):
            if found.term[0] == word[0].lower():
                return str(found.term).capitalize() if word[0].isupper() else str(found.term)
        return ""


@cache
def _load_english() -> frozenset[str]:
    lines = (files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.split()[0] for line in lines if line.strip())
