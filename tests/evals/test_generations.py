"""What of a model's replies reaches the reader: the tuned half, through the whole product."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.settings import Settings
from evals.cases import Half
from evals.generations import follow, measure

pytestmark = pytest.mark.slow
NEVER = {"bad: figure", "bad: citation", "bad: link", "bad: name", "bad: prompt"}


@pytest.mark.fault("R11")
@pytest.mark.owasp("LLM09")
def test_nothing_false_reaches_the_reader_and_what_is_true_does(indexed: Settings, tmp_path: Path) -> None:
    settings = indexed.model_copy(update={"database_url": f"sqlite:///{tmp_path}/a.sqlite"})
    measured = {metric.name: metric for metric in measure(follow(settings, Half.TUNED))}
    assert {name: metric.hits for name, metric in measured.items() if name in NEVER} == dict.fromkeys(NEVER, 0)
    assert measured["good sentences shown"].reached
