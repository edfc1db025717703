"""A citation points at what is there: on every door, with a model that makes up sources, quotes, figures and names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import KnowledgeBase
from tests.chat_server import ChatServer
from tests.security.conftest import DOORS, House

pytestmark = pytest.mark.owasp("LLM09")

QUESTIONS = ("How long should a shadow period be?", "How should we choose KPIs?", "Who owns the model after the pilot?")
MADE_UP = ("Vandermolen", "97", "skipped by anybody", "ten times", "Fabricant Institute", "[42]", "[999]")
_STATEMENT = re.compile(r"^\[(\d+)\] \([^)]*\) (.+)$", re.MULTILINE)


def make_up(instructions: str) -> str:
    """Write what a model writes that makes things up, with some good lines in between."""
    told = _STATEMENT.findall(instructions)
    number, fact = told[0] if told else ("1", "Plan ahead.")
    plain = fact.rstrip(".")
    return "\n".join(
        [
            f"{fact} [{number}]",
            f"- {plain}, as Vandermolen (2024) shows. [{number}]",
            f"- {plain} for 97 weeks. [{number}]",
            f"- Shadow mode can be skipped by anybody. [{number}]",
            f"- {plain}, which pays back ten times. [{number}]",
            f"- According to the Fabricant Institute, {plain[0].lower()}{plain[1:]}. [{number}]",
            f"- {fact} [42]",
            f"- {fact} [999]",
            f"- {plain} [{number}][42]",
            *(f"- {text} [{n}]" for n, text in told[1:3]),
        ]
    )


@pytest.fixture(scope="module")
def house(
    make_house: Callable[..., Any], provider_key: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("citations")
    with (
        ChatServer(make_up) as model,
        make_house(folder, chat_model="openai:scripted", chat_base_url=model.url) as made,
    ):
        yield made


@pytest.mark.parametrize("door", DOORS)
def test_no_door_shows_what_a_model_made_up(house: House, door: str) -> None:
    for question in QUESTIONS:
        told = house.ask(door, question)
        assert "[1]" in told or "1" in told
        assert [word for word in MADE_UP if re.search(rf"(?<![\w/]){re.escape(word)}(?![\w/-])", _read(told))] == []


def _read(told: str) -> str:
    """Return what is told without ids, digests, lengths and times, in which any figure may stand."""
    return re.sub(
        r"[0-9a-f]{12,}|\d+\.\d{3,}|'content-length': '\d+'|\"(?:created|number|head|probability)\":\s*[\d.]+", "", told
    )


def test_every_citation_stands_in_its_section(house: House, knowledge: KnowledgeBase) -> None:
    sections = {section.id: section for section in knowledge.sections}
    cited = 0
    for question in QUESTIONS:
        answer = house.advisor.ask(LOCAL_CALLER, question)
        numbers = {citation.number for citation in answer.citations}
        for number in re.findall(r"\[(\d+)\]", answer.text):
            assert int(number) in numbers
        for citation in answer.citations:
            if citation.kind == "playbook":
                cited += 1
                assert any(statement.text == citation.quote for statement in sections[citation.section_id].statements)
        assert json.loads(answer.model_dump_json())["citations"]
    assert cited >= len(QUESTIONS)
