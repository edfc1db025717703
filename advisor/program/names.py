"""Finding sites, initiatives and people by what a person calls them. Nothing is guessed: near names are suggested."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from advisor.domain.records import Fields
from advisor.text import slugify


def fold(name: str) -> str:
    """Return a name in the form in which two spellings of it are equal: no case, accents or punctuation."""
    return slugify(name) or " ".join(name.casefold().split())


def names_of(fields: Fields) -> tuple[str, ...]:
    """Return all names that a record goes by."""
    return (str(getattr(fields, "name", "")), *getattr(fields, "aliases", ()))


def find_exact(given: str, named: Mapping[str, Fields]) -> str | None:
    """Return the id of the one record that goes by a name, or None when there is none, or more than one."""
    wanted = fold(given)
    found = [id_ for id_, fields in named.items() if wanted in {fold(id_), *map(fold, names_of(fields))}]
    return found[0] if len(found) == 1 else None


def suggest_names(given: str, named: Mapping[str, Fields]) -> str:
    """Return up to three names that look like the one given, as a phrase, or nothing."""
    known = {fold(name): names_of(fields)[0] for fields in named.values() for name in names_of(fields)}
    near = difflib.get_close_matches(fold(given), known, n=3, cutoff=0.6)
    return join_names(dict.fromkeys(f'"{known[name]}"' for name in near), last="or")


def join_names(names: Iterable[str], last: str = "and") -> str:
    """Return names as a phrase: a, b and c."""
    listed = list(names)
    return listed[0] if len(listed) == 1 else f" {last} ".join([", ".join(listed[:-1]), listed[-1]]) if listed else ""
