"""Fits the weights that decide whether to answer on the knowledge base itself.

Half of each section's questions are indexed; the other half are asked: those of answering sections should be
answered, those of stated limits declined, and so should a list of off-topic questions. No eval case takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from numpy.typing import NDArray

from advisor.answering.evidence import measure
from advisor.domain.base import Value
from advisor.domain.dialogue import Query
from advisor.domain.knowledge import Calibration, KnowledgeBase, SectionKind, Signals
from advisor.knowledge.chunker import CHUNKER_VERSION, split_sections
from advisor.ports import Embedder
from advisor.retrieval.builder import GenerationBuilder
from advisor.retrieval.generations import Generations
from advisor.retrieval.hybrid import HybridRetriever
from evals.metrics import find_auroc, find_risks

PENALTY = 0.01
"""L2 penalty on the standardised weights."""

_OFF_TOPIC = Path(__file__).parent / "off_topic.yaml"
_SHARES = {"answerable": 1.0, "limit": 0.5, "off-topic": 1.5}
"""Total weight of each kind of example."""

Matrix = NDArray[np.float64]


class Fit(Value):
    """The fitted weights, and how well they separate the questions they were fitted on (none held back)."""

    calibration: Calibration
    auroc: float
    risks: tuple[float, ...]
    """The share of unanswerable questions among those answered, at COVERAGES."""


def fit(knowledge: KnowledgeBase, embedder: Embedder) -> Fit:
    """Ask the half of the questions that is not indexed, and fit."""
    with TemporaryDirectory() as folder:
        retriever = _index_half(knowledge, embedder, Path(folder))
        examples = [
            (kind, [value for _, value in measure(text, retriever.retrieve(Query(text=text)))])
            for kind, text in _examples(knowledge)
        ]
    kinds = [kind for kind, _ in examples]
    features = np.array([row for _, row in examples])
    labels = np.array([kind == "answerable" for kind in kinds], dtype=float)
    weights = np.array([_SHARES[kind] / kinds.count(kind) for kind in kinds]) * len(kinds) / 2
    centre, spread = features.mean(0), features.std(0) + 1e-9
    solution = solve((features - centre) / spread, labels, weights)
    coefficients = solution[1:] / spread
    intercept = float(solution[0] - (coefficients * centre).sum())
    chances = features @ coefficients + intercept
    fitted = dict(zip(Signals.model_fields, (round(float(value), 2) for value in coefficients), strict=True))
    return Fit(
        calibration=knowledge.calibration.model_copy(
            update={"weights": Signals(**fitted), "intercept": round(intercept, 2)}
        ),
        auroc=find_auroc(chances, labels),
        risks=tuple(find_risks(chances, labels)),
    )


def _index_half(knowledge: KnowledgeBase, embedder: Embedder, folder: Path) -> HybridRetriever:
    halved = knowledge.model_copy(
        update={
            "playbooks": tuple(
                playbook.model_copy(
                    update={
                        "sections": tuple(
                            section.model_copy(update={"questions": section.questions[::2]})
                            for section in playbook.sections
                        )
                    }
                )
                for playbook in knowledge.playbooks
            )
        }
    )
    generations = Generations(folder)
    builder = GenerationBuilder(generations=generations, embedder=embedder)
    builder.build(halved, split_sections(halved.sections), chunker=CHUNKER_VERSION, rebuild=False)
    return HybridRetriever(generations=generations, embedder=embedder)


def _examples(knowledge: KnowledgeBase) -> Iterator[tuple[str, str]]:
    for section in knowledge.sections:
        kind = "answerable" if section.kind is SectionKind.ANSWER else "limit"
        for text in section.questions[1::2]:
            yield kind, text
    for text in yaml.safe_load(_OFF_TOPIC.read_text(encoding="utf-8")):
        yield "off-topic", text


def solve(features: Matrix, labels: Matrix, weights: Matrix) -> Matrix:
    """Weighted, penalised logistic regression by iteratively reweighted least squares; intercept first."""
    design = np.column_stack([np.ones(len(features)), features])
    ridge = np.eye(design.shape[1]) * PENALTY * len(features)
    ridge[0, 0] = 0.0
    solution = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ solution))
        slope = design.T @ (weights * (labels - chance)) - ridge @ solution
        curve = (design * (weights * chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curve, slope)
        solution = solution + step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(solution)
