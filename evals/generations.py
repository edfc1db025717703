"""What of a chat model's replies reaches the reader: sixty good ones and sixty bad ones, by kind of fault.

Each case is a reply to one question, written as a model would write it, with the statements that it cites. The
model is played by the case; everything behind it is the product: retrieval, prompt, checks, composition.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from advisor.bootstrap import build_advisor
from advisor.domain.base import Value
from advisor.domain.dialogue import Role
from advisor.domain.identity import LOCAL_CALLER
from advisor.settings import Settings
from evals.cases import Expect, Half, Kind, Way
from evals.metrics import Metric
from evals.runs import CaseResult
from evals.seen import Score

GOOD = "good"
_FOLDER = Path(__file__).parent / "generations"
_GIVEN = re.compile(r"^\[(\d+)\] \([^)]*\) (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"\[(\d+)\]")


class Generation(Value):
    """A reply. `bad` is the 0-based place of its one bad line; `statements` are the cited ones by their number."""

    question: str
    kind: str
    lines: tuple[str, ...]
    statements: Mapping[int, str]
    bad: int | None = None


class Fate(NamedTuple):
    """What became of one line."""

    case: Generation
    line: str
    bad: bool
    shown: bool
    reason: str


class PlayedModel:
    """A chat model that gives the reply of a case, with the numbers that its statements have today.

    A line is left out when a statement that it cites is not given to the model any more.
    """

    fingerprint = "played"

    def __init__(self) -> None:
        self.case: Generation | None = None
        self.left_out: list[str] = []

    def stream(self, instructions: str) -> Iterator[str]:
        """Yield the reply; to a repair, nothing."""
        if self.case is None or "Refused lines:" in instructions:
            return
        given = {text: number for number, text in _GIVEN.findall(instructions)}
        self.left_out = [line for line in self.case.lines if not self._cites(line) <= given.keys()]
        for line in self.case.lines:
            if line not in self.left_out:
                yield _NUMBER.sub(lambda match: f"[{self._renumber(int(match[1]), given)}]", line) + "\n"

    def _cites(self, line: str) -> set[str]:
        told = self.case.statements if self.case else {}
        return {told[int(number)] for number in _NUMBER.findall(line) if int(number) in told}

    def _renumber(self, number: int, given: Mapping[str, str]) -> str:
        text = self.case.statements.get(number) if self.case else None
        return given[text] if text else str(number + 900)  # one that was never there


def load_generations(half: Half) -> list[Generation]:
    """Read a half of the replies."""
    return [Generation.model_validate(row) for row in yaml.safe_load((_FOLDER / f"{half.value}.yaml").read_text())]


def follow(settings: Settings, half: Half) -> list[Fate]:
    """Have every reply of a half checked, and return what became of each of its lines."""
    model = PlayedModel()
    advisor = build_advisor(settings, chat=model)
    fates: list[Fate] = []
    for model.case in load_generations(half):
        answer = advisor.ask(LOCAL_CALLER, model.case.question)
        refused = {
            refusal.text: refusal.reason for refusal in advisor.get_receipt(LOCAL_CALLER, answer.id).basis.refused
        }
        for place, line in enumerate(model.case.lines):
            if line in model.left_out:
                continue
            plain = " ".join(_NUMBER.sub("", line.removeprefix("- ")).split()).replace(" .", ".").replace(" ,", ",")
            reason = next((why for text, why in refused.items() if text in plain or plain in text), "")
            shown = not reason and plain.rstrip(".") in answer.text
            fates.append(Fate(model.case, line, place == model.case.bad, shown, reason))
    return fates


def judge_replies(settings: Settings, half: Half) -> list[CaseResult]:
    """Return a result for every reply of a half: whether its good lines were shown, and its bad one was not."""
    with TemporaryDirectory() as folder:
        fates = follow(settings.model_copy(update={"database_url": f"sqlite:///{folder}/a.sqlite"}), half)
    results: list[CaseResult] = []
    for number, case in enumerate(load_generations(half), 1):
        own = [fate for fate in fates if fate.case == case]
        good, bad = ([fate for fate in own if fate.bad == wrong] for wrong in (False, True))
        scores: dict[str, Score] = {}
        if good:
            hidden = "; ".join(f"{fate.line} ({fate.reason})" for fate in good if not fate.shown)
            scores["good_shown"] = Score(value=sum(fate.shown for fate in good) / len(good), reason=hidden)
        if bad:
            shown = "; ".join(fate.line for fate in bad if fate.shown)
            scores["bad_held"] = Score(value=float(not shown), reason=shown)
        results.append(
            CaseResult(
                id=f"reply-{half.value}-{number:02}-{case.kind}",
                half=half,
                kind=Kind.REPLY,
                topic=case.kind,
                role=Role.EXECUTIVE,
                way=Way.PLAIN,
                question=case.question,
                expect=Expect.EITHER,
                text="\n".join(case.lines),
                scores=scores,
                silent=tuple(name for name in ("good_shown", "bad_held") if name not in scores),
            )
        )
    return results


def measure(fates: list[Fate]) -> list[Metric]:
    """Return the share of good sentences that were shown, and of bad ones by kind."""
    good = [fate for fate in fates if fate.case.kind == GOOD]
    beside = [fate for fate in fates if fate.case.kind != GOOD and not fate.bad]
    metrics = [
        Metric(name="good sentences shown", hits=sum(f.shown for f in good), total=len(good), goal=0.95),
        Metric(name="good sentences beside a bad one", hits=sum(f.shown for f in beside), total=len(beside), goal=0.95),
    ]
    by_kind: dict[str, list[Fate]] = defaultdict(list)
    for fate in fates:
        if fate.bad:
            by_kind[fate.case.kind].append(fate)
    for kind, found in sorted(by_kind.items()):
        shown = sum(fate.shown for fate in found)
        metrics.append(Metric(name=f"bad: {kind}", hits=shown, total=len(found), goal=0.0, at_most=True))
    return metrics


def report(settings: Settings, console: Console, *, failures: bool) -> None:
    """Print both halves, and what went wrong in the tuned one."""
    table = Table("what was shown", *(half.value for half in Half), box=None)
    halves = [follow(settings, half) for half in Half]
    measured = [{metric.name: metric for metric in measure(fates)} for fates in halves]
    for name in measured[0]:
        cells = []
        for found in measured:
            metric = found[name]
            low, high = metric.interval
            cells.append(f"{metric.hits} of {metric.total} ({low:.0%} to {high:.0%})")
        table.add_row(name, *cells)
    console.print(table)
    if failures:
        for fate in halves[list(Half).index(Half.TUNED)]:
            if fate.bad == fate.shown:
                console.print(f"{fate.case.kind} ({fate.reason or 'shown'}): {fate.line}", markup=False, soft_wrap=True)
                for number in _NUMBER.findall(fate.line):
                    console.print(f"    {fate.case.statements.get(int(number))}", markup=False, soft_wrap=True)
