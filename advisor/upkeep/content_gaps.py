"""Groups questions that were not met into content gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from advisor.domain.dialogue import Outcome
from advisor.domain.upkeep import ContentGap, Unmet
from advisor.ports import Embedder

SAME_GAP = 0.7
"""Cosine between questions from which they ask for the same."""
LONGEST_NAME = 500
"""Characters of a question that name a gap."""
_REASONS = 5


def group(
    unmet: Sequence[Unmet], embedder: Embedder, owners: Mapping[str, str], is_answered: Callable[[str], bool]
) -> tuple[ContentGap, ...]:
    """Return the gaps, the most asked first. A question joins the first group that its nearest member is close to."""
    if not unmet:
        return ()
    vectors = embedder.embed([found.question for found in unmet])
    groups: list[list[int]] = []
    for place in range(len(unmet)):
        near = [(max(float(vectors[place] @ vectors[other]) for other in members), members) for members in groups]
        closeness, members = max(near, key=lambda pair: pair[0], default=(0.0, []))
        if closeness >= SAME_GAP:
            members.append(place)
        else:
            groups.append([place])
    gaps = [_describe([unmet[i] for i in members], vectors[members], owners, is_answered) for members in groups]
    return tuple(sorted(gaps, key=lambda gap: (gap.answered_now, -gap.people, -gap.asked, gap.question)))


def _describe(
    found: Sequence[Unmet],
    vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    owners: Mapping[str, str],
    is_answered: Callable[[str], bool],
) -> ContentGap:
    centre = int(np.argmax(vectors @ vectors.mean(axis=0)))
    question = found[centre].question
    owner = next((owners[one.question[:LONGEST_NAME]] for one in found if one.question[:LONGEST_NAME] in owners), "")
    disliked = sum(one.disliked for one in found)
    return ContentGap(
        question=question,
        asked=len({one.answer_id for one in found}),
        people=len({one.who for one in found}),
        declined=sum(one.outcome in {Outcome.DECLINED, Outcome.PARTIAL} and not one.disliked for one in found),
        disliked=disliked,
        last_asked=max(one.asked_at for one in found),
        reasons=tuple(dict.fromkeys(one.reason for one in found if one.reason))[:_REASONS],
        answer_ids=tuple(dict.fromkeys(one.answer_id for one in found)),
        owner=owner,
        answered_now=not disliked and is_answered(question),
        questions=tuple(dict.fromkeys(one.question for one in found)),
    )
