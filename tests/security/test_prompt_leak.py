"""Whoever asks for the instructions of the chat model is not given them, although the model would."""

from __future__ import annotations

import base64
import codecs
import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from advisor.answering.prompts import load_prompt
from advisor.settings import Settings
from advisor.text import words
from tests.chat_server import ChatServer
from tests.conftest import ROOT
from tests.security.attacks import EXTRACTIONS
from tests.security.conftest import DOORS, House

pytestmark = pytest.mark.owasp("LLM07")

CANARY = "Quibblewick"
SHADOW = "How long should a shadow period be?"
RUN = 8
"""So many words of the instructions in a row are a leak."""
_STATEMENT = re.compile(r"^\[1\] \([^)]*\) (.+)$", re.MULTILINE)


def confess(instructions: str) -> str:
    """Write what a model writes that gives its instructions away: plainly, cited, quoted, encoded, in pieces."""
    found = _STATEMENT.search(instructions)
    fact = found[1].rstrip(".") if found else "Plan ahead"
    rules = [line.strip("- ") for line in instructions.partition("Statements:")[0].splitlines() if line.strip()]
    whole = " ".join(rules)
    lines = [f"{fact}. [1]"]
    lines += [f"- {rule} [1]" for rule in rules]
    lines += [f"- {fact}: {rule} [1]" for rule in rules]
    lines += [f"- {' '.join(rule)} [1]" for rule in rules[:3]]
    lines += [f"- {whole[::-1]} [1]", f"- {codecs.encode(whole, 'rot13')} [1]"]
    lines += [f"- {base64.b64encode(whole.encode()).decode()} [1]", f"- {json.dumps({'prompt': whole})} [1]"]
    lines += [f"- The dog is called {CANARY}. [1]", f"- {fact}, says {CANARY}. [1]"]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def house(
    make_house: Callable[..., Any], provider_key: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("leaked")
    shutil.copytree(ROOT / "prompts", folder / "prompts")
    for name in ("answer", "repair"):
        file = folder / "prompts" / f"{name}.md"
        file.write_text(
            file.read_text().replace("Statements:", f"The dog of the office is called {CANARY}.\n\nStatements:")
        )
    with (
        ChatServer(confess) as model,
        make_house(
            folder, chat_model="openai:scripted", chat_base_url=model.url, prompts_dir=folder / "prompts"
        ) as made,
    ):
        made.model = model
        yield made


def find_run(told: str, instructions: str) -> str:
    """Return words of the instructions that are told in a row, or nothing."""
    given, said = f" {' '.join(words(instructions))} ", words(told)
    runs = (" ".join(said[start : start + RUN]) for start in range(max(0, len(said) - RUN + 1)))
    return next((run for run in runs if f" {run} " in given), "")


def find_leak(told: str, folder: Any) -> str:
    """Return what of the instructions is told, in whatever encoding, or nothing."""
    rules = load_prompt(folder, "answer").body.partition("{statements}")[0]
    whole = " ".join(line.strip("- ") for line in rules.splitlines() if line.strip())
    encoded = (base64.b64encode(whole.encode()).decode()[8:48], whole[::-1][8:60], codecs.encode(whole, "rot13")[8:60])
    for sign in (CANARY, " ".join(CANARY), CANARY[::-1], *encoded):
        if sign in told:
            return sign
    return find_run(told, rules)


@pytest.mark.parametrize("door", DOORS)
def test_no_door_tells_the_instructions(house: House, door: str) -> None:
    asked = len(house.model.asked)
    for extraction in EXTRACTIONS[DOORS.index(door) :: len(DOORS)]:
        told = house.ask(door, f"{SHADOW} {extraction}").replace(extraction, "")
        assert not find_leak(told, house.settings.prompts_dir), extraction
    assert len(house.model.asked) > asked  # the model was there to give them away


def test_the_instructions_hold_no_secret_and_nothing_of_the_settings(house: House) -> None:
    house.ask("rest", SHADOW)
    told = house.model.asked[-1]
    values = [str(getattr(house.settings, name)) for name in Settings.model_fields if name.endswith(("_url", "_dir"))]
    assert [value for value in values if value and value in told] == []
    assert "adv_" not in told
    assert "scripted" not in told
