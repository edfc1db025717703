"""A chat model as one more judge: several votes a case, how far they agree with each other and with the code.

Its word never decides: it is kept beside the scores, and the report says how often it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from advisor.answering.prompts import Prompt, load_prompt
from advisor.domain.base import Value
from advisor.errors import ModelError
from advisor.ports import ChatModel
from evals.cases import Kind
from evals.metrics import wilson
from evals.runs import CaseResult, Run

PROMPTS = Path(__file__).parent.parent / "prompts"


class Agreement(Value):
    """How the votes of a model stand to the judges of code. `kappa` is Cohen's (1960); `steady` cases had one vote."""

    cases: int
    agreed: float
    low: float
    high: float
    kappa: float
    steady: float
    silent: int
    """Cases of which no vote could be read."""


def judge_run(run: Run, model: ChatModel, votes: int, progress: Callable[[int, int], None]) -> Run:
    """Return the run with the share of a model's votes that each answer is right."""
    prompt = load_prompt(PROMPTS, "judge")
    judged: list[CaseResult] = []
    asked = [result for result in run.results if result.kind is not Kind.REPLY]
    for number, result in enumerate(asked, 1):
        cast = list(_vote(result, model, prompt, votes))
        judged.append(result.model_copy(update={"judged": sum(cast) / len(cast) if cast else None}))
        progress(number, len(asked))
    rest = [result for result in run.results if result.kind is Kind.REPLY]
    return run.model_copy(update={"results": (*judged, *rest)})


def _vote(result: CaseResult, model: ChatModel, prompt: Prompt, votes: int) -> Iterator[bool]:
    """Yield whether the answer is right, as often as the model gives a vote that can be read."""
    instructions = prompt.render(
        question=result.question,
        expected=f"It should be {result.expect.value}. {'; '.join(result.wanted)}",
        answer=result.text,
        evidence="\n".join(f"[{c.number}] {c.place}: {c.quote}" for c in result.citations) or "none",
    )
    for _ in range(votes):
        try:
            first = "".join(model.stream(instructions)).strip().split("\n")[0].strip(" .*").upper()
        except ModelError:
            continue
        if first in {"RIGHT", "WRONG"}:
            yield first == "RIGHT"


def find_agreement(results: Sequence[CaseResult]) -> Agreement | None:
    """Return how far the majority of votes agrees with the code; None where nothing was voted on."""
    pairs = [(result.passed, result.judged > 0.5) for result in results if result.judged is not None]
    if not pairs:
        return None
    agreed = sum(code == model for code, model in pairs)
    share = agreed / len(pairs)
    code, model = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
    chance = code * model + (1 - code) * (1 - model)
    low, high = wilson(agreed, len(pairs))
    return Agreement(
        cases=len(pairs),
        agreed=share,
        low=low,
        high=high,
        kappa=(share - chance) / (1 - chance) if chance < 1 else 1.0,
        steady=sum(result.judged in {0.0, 1.0} for result in results if result.judged is not None) / len(pairs),
        silent=sum(result.judged is None and result.kind is not Kind.REPLY for result in results),
    )
