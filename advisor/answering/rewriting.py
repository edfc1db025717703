"""Makes follow-up questions standalone by rule: what "why?", "the second one" and "who owns that?" refer to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.domain.dialogue import (
    Answer,
    Checklist,
    Focus,
    ListBlock,
    Outcome,
    Paragraph,
    Query,
    Table,
    Turn,
)
from advisor.text import content_stems, normalise, split_sentences, words

_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4, "5th": 4,
    "sixth": 5, "6th": 5, "last": -1, "final": -1,
}  # fmt: skip
_ITEM = re.compile(
    r"\b(?:the |number |no\.? ?|point |step |item |stage |#)?"
    r"(?P<word>first|second|third|fourth|fifth|sixth|last|final|1st|2nd|3rd|4th|5th|6th)\b"
    r"(?: (?:one|point|step|item|stage|row|reason|cause|requirement|element|question|gap|bullet|vector|barrier))?"
    r"(?=\W*$|[,;:?]| with\b| in\b| please\b| again\b| mean)",
    re.I,
)
_NUMBERED = re.compile(r"\b(?:number|point|step|item|stage|no\.?|#)\s*(?P<digit>[1-9])\b", re.I)
_OPENING = re.compile(
    r"^(?:and|but|so|ok(?:ay)?|then|also|what about|how about|what if|or|hm+|right|fine|sure)\b[\s,:]*", re.I
)
_WHY = re.compile(
    r"^(?:but |and |so |ok(?:ay)?,? )*(?:why(?: is (?:that|this))?(?: so)?(?: exactly)?|how come|why not)\W*$",
    re.I,
)
_WHY_ANY = re.compile(r"^(?:\W|but |and |so )*(?:why|how come|for what reason|what (?:is|'s) the reason)\b", re.I)
_MORE = re.compile(
    r"^(?:can you |could you |please )*(?:tell me more|more(?: details?| please)*|elaborate|go on"
    r"|expand(?: on (?:that|this|it))?|explain(?: (?:that|this|it|further|more))*|say more|anything else|what else"
    r"|and then|what next|like what|for example|an example|such as)(?: about (?:that|this|it))?\W*$",
    re.I,
)
_PLACE = re.compile(r"^\W*(?:number|option|choice|no\.?|#)?\s*(?P<digit>[1-9])\W*$", re.I)
_QUESTION_WORD = re.compile(r"^\W*(?:what|who|whom|whose|when|where|which|why|how|should|do|does|is|are|can)\b", re.I)
_NEW_SUBJECT = re.compile(
    r"^\W*(?:(?:and |now |ok(?:ay)?,? )*(?:something else|(?:a )?(?:different|new|another) (?:subject|topic|question)"
    r"|(?:change of|changing the|on another|next) (?:subject|topic)))\s*[:.,;-]+\s*(?=\w)",
    re.I,
)
_YES = re.compile(
    r"^\W*(?:yes|yep|yeah|sure|ok(?:ay)?|please(?: do)?|go ahead|do (?:it|that)|right|exactly|correct)"
    r"(?:[\s,]+please)?\W*$",
    re.I,
)
_NESTED = re.compile(r"\s*[()]+\s*")
"""What a follow-up leaned on stands in brackets behind it; leant on in turn, it reads on."""
_ACTION = re.compile(
    r"\b(?:what (?:should|do|must|can|could|would) (?:we|i|he|she|they|our \w+|my \w+)(?: \w+){0,3}"
    r" (?:do|ask|put|change|check|fix|start|tell|say|prepare|demand|require)"
    r"|how (?:should|do|can|could|would|must) (?:we|i|you|they|a \w+|our \w+|my \w+)|how to|what (?:to do|now)"
    r"|next steps?|to-?dos?|checklist|action (?:plan|items?)|where (?:should|do) (?:we|i) (?:start|begin)"
    r"|first step|steps should|prepare|before (?:we|i) (?:approve|sign|buy|go|scale|roll))\b",
    re.I,
)
_JOINT = re.compile(r"[?;.:]\s+|,?\s+(?:and|but|while|plus|as well as|not only)\s+", re.I)
_MIN_PART_STEMS = 2
_MAX_PARTS = 4
_POINTING = frozenset(
    "it its that this those these they them their he she one ones there same such former latter".split()
)
_MAX_FOLLOW_UP_STEMS = 3
_MAX_POINTING_STEMS = 5
"""Content words of a question with a pronoun up to which it leans on what was said; chosen on MTRAG's human turns."""
_MAX_BARE_STEMS = 1
_LONG = 35
"""Words from which a question is a story with a question in it."""


def find_focus(question: str) -> Focus:
    """Return what the wording asks to see first."""
    if _WHY_ANY.match(question):
        return Focus.WHY
    return Focus.ACTION if _ACTION.search(question) else Focus.POINT


def needs_history(question: str) -> bool:
    """Whether the question means nothing without the conversation before it."""
    text = normalise(question)
    bare = _OPENING.sub("", text)
    if _WHY.match(text) or _MORE.match(bare):
        return True
    rest = _ITEM.sub("", bare)
    if (_ITEM.search(bare) or _NUMBERED.search(bare)) and not content_stems(_NUMBERED.sub("", rest)):
        return True
    return not content_stems(bare) and _points_back(bare)


def is_follow_up(question: str) -> bool:
    """Whether the question leans on the conversation: it points back, continues ("and", "what about"), or is bare."""
    if needs_history(question):
        return True
    text = normalise(question)
    stems = set(content_stems(text))
    if len(stems) <= _MAX_BARE_STEMS or (_ITEM.search(text) and len(stems) <= _MAX_FOLLOW_UP_STEMS):
        return True
    few = len(stems) <= _MAX_FOLLOW_UP_STEMS
    points_back = _points_back(_OPENING.sub("", text))
    return (bool(_OPENING.match(text)) and (few or points_back)) or (points_back and len(stems) <= _MAX_POINTING_STEMS)


def split_parts(question: str) -> tuple[str, ...]:
    """Return the clauses of a question that asks several things, or nothing when it asks one.

    A fragment that says too little by itself ("how should IT" of "how should IT and OT ...") joins the next one.
    """
    parts: list[str] = []
    held = ""
    for piece in re.split(f"({_JOINT.pattern})", normalise(question), flags=re.I):
        if _JOINT.fullmatch(piece):
            held += piece if held else ""
        elif len(set(content_stems(held + piece))) >= _MIN_PART_STEMS:
            parts.append(held + piece)
            held = ""
        else:
            held += piece
    if held and parts:
        parts[-1] += f" {held}"
    whole = [
        f"{part} ({before})" if _points_back(part) else part for before, part in zip(["", *parts], parts, strict=False)
    ]
    return tuple(whole[:_MAX_PARTS]) if len(parts) > 1 else ()


def _points_back(text: str) -> bool:
    """Whether a pronoun refers to something said before. "IT" in capitals is a department."""
    return any(word.lower() in _POINTING for word in re.findall(r"[A-Za-z]+", text) if word != "IT")


class RuleRewriter:
    """The rewriter that needs no language model."""

    def rewrite(self, question: str, history: Sequence[Turn]) -> Query | None:
        """Return the standalone query, or None when the question points back and there is nothing to point to."""
        last = history[-1].answer if history else None
        asks_back = last is not None and last.outcome in {Outcome.CLARIFY, Outcome.DECLINED}
        if last is not None and asks_back and (chosen := _choose(question, last)):
            return Query(text=chosen, parts=split_parts(chosen), focus=find_focus(chosen), chosen=True)
        if _YES.match(question) and last is not None:
            question = "tell me more"
        if found := _NEW_SUBJECT.match(question):
            question, history = question[found.end() :], ()
        turn = next((t for t in reversed(history) if t.answer.outcome is not Outcome.CLARIFY and t.query), None)
        if turn is None and needs_history(question):
            return None
        if turn is None or not is_follow_up(question):
            return _ask(question)
        return self._follow(question, turn, history)

    @staticmethod
    def _follow(question: str, turn: Turn, history: Sequence[Turn]) -> Query:
        text = normalise(question)
        bare = _OPENING.sub("", text)
        base = Query(
            text=turn.query,
            follows=True,
            section_ids=tuple(dict.fromkeys(citation.section_id for citation in turn.answer.citations)),
            opened=tuple(quote for t in history for quote in _list_opening_quotes(t.answer)),
            told=tuple(citation.quote for t in history for citation in t.answer.citations),
        )
        bare_place = _PLACE.match(text)
        position = int(bare_place["digit"]) - 1 if bare_place else _find_position(text)
        if position is not None:
            rest = "" if bare_place else " ".join(words(_NUMBERED.sub("", _ITEM.sub("", text))))
            extra = f" {rest}" if content_stems(rest) else ""
            for earlier in reversed(history):
                if item := _find_item(earlier.answer, position):
                    sections = tuple(dict.fromkeys(citation.section_id for citation in earlier.answer.citations))
                    return base.model_copy(update={"text": item + extra, "focus": Focus.ITEM, "section_ids": sections})
            if not extra:
                return base.model_copy(update={"focus": Focus.ITEM, "item": position})
        if _WHY.match(text):
            return base.model_copy(update={"focus": Focus.WHY})
        if _MORE.match(bare):
            return base.model_copy(update={"focus": Focus.MORE})
        context = _NESTED.sub(" ", turn.query).strip()
        return base.model_copy(update={"text": bare, "context": context, "focus": find_focus(bare)})


def _ask(question: str) -> Query:
    """Return the query of a question that stands alone. A long story is the context of the questions in it."""
    sentences = split_sentences(normalise(question))
    asked = [sentence for sentence in sentences if sentence.endswith("?")]
    text = " ".join(asked)
    if len(question.split()) <= _LONG or not asked or len(asked) == len(sentences):
        return Query(text=question, parts=split_parts(question), focus=find_focus(question))
    story = " ".join(sentence for sentence in sentences if sentence not in asked)
    return Query(text=text, context=story, parts=split_parts(text), focus=find_focus(text))


def _choose(question: str, asked: Answer) -> str | None:
    """Return the choice that a reply takes: the first for "yes", one by its place, or the only one with its words.

    What a refusal only proposes is taken by "yes" or by its place alone: any other words are a new question.
    """
    choices = asked.suggestions
    if not choices:
        return None
    if _YES.match(question):
        return choices[0]
    bare = _PLACE.match(question)
    position = int(bare["digit"]) - 1 if bare else _find_position(normalise(question))
    alone = bare or not content_stems(_NUMBERED.sub("", _ITEM.sub("", question)))
    if position is not None and alone and -len(choices) <= position < len(choices):
        return choices[position]
    if asked.outcome is not Outcome.CLARIFY or "?" in question or _QUESTION_WORD.match(question):
        return None
    said = set(content_stems(question))
    fitting = [choice for choice in choices if said and said <= set(content_stems(choice))]
    return fitting[0] if len(fitting) == 1 else None


def _list_opening_quotes(answer: Answer) -> list[str]:
    first = answer.blocks[0] if answer.blocks else None
    strong = [s for s in first.sentences if s.strong] if isinstance(first, Paragraph) else []
    numbers = {number for sentence in strong for number in sentence.citations}
    return [citation.quote for citation in answer.citations if citation.number in numbers]


def _find_position(text: str) -> int | None:
    if found := _NUMBERED.search(text):
        return int(found["digit"]) - 1
    if found := _ITEM.search(text):
        return _ORDINALS[found["word"].lower()]
    return None


def _find_item(answer: Answer, position: int) -> str | None:
    """Return the text of the item at a position of the answer's ordered list, else table, else any list."""
    lists = [block for block in answer.blocks if isinstance(block, ListBlock)]
    candidates = (
        *([item.text for item in block.items] for block in lists if block.ordered),
        *([" | ".join(row.cells) for row in block.rows] for block in answer.blocks if isinstance(block, Table)),
        *([item.text for item in block.items] for block in lists if not block.ordered),
        *([item.text for item in block.items] for block in answer.blocks if isinstance(block, Checklist)),
    )
    for items in candidates:
        if -len(items) <= position < len(items):
            return items[position]
    return None
