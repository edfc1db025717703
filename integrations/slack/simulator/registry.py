"""The table of Web API methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.world import World

Handler: TypeAlias = Callable[[World, Json], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """One Web API method: its arguments, those it cannot do without, and the token it wants."""

    handler: Handler
    arguments: frozenset[str]
    required: tuple[str, ...]
    token: str


METHODS: dict[str, Method] = {}


def method(name: str, arguments: str = "", required: str = "", wants: str = "bot") -> Callable[[Handler], Handler]:
    """Register a function as a Web API method."""

    def register(handler: Handler) -> Handler:
        names = frozenset(f"{arguments} {required} token team_id".split())
        METHODS[name] = Method(handler, names, tuple(required.split()), wants)
        return handler

    return register
