"""Block Kit from nouns: pure functions. Rich text holds what people wrote, so that nothing in it can act as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from advisor.domain.dialogue import (
    Answer,
    Block,
    Checklist,
    Citation,
    ListBlock,
    Notice,
    Outcome,
    Paragraph,
    Sentence,
    Table,
)

Kit = dict[str, Any]
"""A block, an element or a view, as Slack takes it."""

MOST_BLOCKS = 40
MOST_CHARACTERS = 9_000
"""Of one message; Slack takes about 13,000, and the buttons and the sources come on top."""
MOST_ROWS, MOST_COLUMNS = 100, 20
MOST_OPTIONS = 100
_LONGEST_RUN = 2_500
_LONGEST_TEXT = 3_000
_SHARE = "Everyone in the channel will see your question, and what all of them may see of the answer."
_HUMAN = "Your question, as you asked it, goes to the help channel with your name."
_LIVE = re.compile(r"<[!@#]|:(?=//)|@(?=channel|here|everyone)")
"""What Slack would turn into a mention, a broadcast or a link."""


class Message(NamedTuple):
    """One message: its blocks, and the text for notifications and screen readers."""

    text: str
    blocks: list[Kit]


def escape(text: str) -> str:
    """Return a text that mrkdwn shows as it is: no mention, link or broadcast in it works."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, most: int) -> str:
    """Return a text of at most `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


# Elements


def run(text: str, *, bold: bool = False, italic: bool = False, strike: bool = False) -> Kit:
    """Return a run of text within rich text."""
    style = {name: True for name, on in (("bold", bold), ("italic", italic), ("strike", strike)) if on}
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def paragraph(*runs: Kit) -> Kit:
    """Return a block of one rich-text paragraph."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(runs)}]}


def bullets(items: Sequence[Sequence[Kit]], *, ordered: bool = False) -> Kit:
    """Return a block of one list; each item is a sequence of runs."""
    sections = [{"type": "rich_text_section", "elements": list(item)} for item in items]
    style = "ordered" if ordered else "bullet"
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": style, "elements": sections}]}


def header(text: str) -> Kit:
    """Return a heading."""
    return {"type": "header", "text": plain(clip(text, 150))}


def context(text: str) -> Kit:
    """Return small print; `text` is plain."""
    shown = {"type": "mrkdwn", "text": escape(clip(text, 2_000)), "verbatim": True}
    return {"type": "context", "elements": [shown]}


def plain(text: str) -> Kit:
    """Return a plain-text object."""
    return {"type": "plain_text", "text": text, "emoji": False}


def button(label: str, action: str, value: str = "", *, style: str = "", confirm: str = "") -> Kit:
    """Return a button; with `confirm` Slack asks back in these words before it is sent."""
    made: Kit = {"type": "button", "text": plain(clip(label, 75)), "action_id": action, "value": value or action}
    if confirm:
        made["confirm"] = {
            "title": plain(clip(label, 100)),
            "text": plain(clip(confirm, 300)),
            "confirm": plain("Yes"),
            "deny": plain("No"),
        }
    return made | ({"style": style} if style else {})


def actions(*elements: Kit) -> Kit:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Kit:
    """Return a table; what does not fit is left out, which the caller has to say."""
    lines = [list(columns), *(list(row) for row in rows)][:MOST_ROWS]
    cells = [[{"type": "raw_text", "text": clip(cell, 500) or " "} for cell in line[:MOST_COLUMNS]] for line in lines]
    return {"type": "table", "rows": cells}


# Answers


def render_answer(answer: Answer, *, private: bool = False) -> list[Message]:
    """Return an answer as messages, each within Slack's limits; sources and buttons stand on the last.

    `private` adds the buttons that share an answer which only the reader sees.
    """
    blocks = [piece for block in answer.blocks for piece in _render_block(block)]
    end = [context(f"Note: {notice}") for notice in answer.notices]
    end += [_render_sources(answer.citations)] if answer.citations else []
    if answer.suggestions and answer.outcome is not Outcome.ANSWERED:
        end.append(context("You could ask: " + " | ".join(answer.suggestions)))
    return pack(blocks, [*end, *_answer_buttons(answer, private=private)], summary=_first_words(answer))


def render_markdown(answer: Answer) -> str:
    """Return an answer as Markdown for a stream. No mention, broadcast or address in it works."""
    text = answer.text.replace("- [ ] ", "- ☐ ")
    return _LIVE.sub(lambda found: found[0][0] + "\u200b" + found[0][1:], text)


def pack(blocks: Sequence[Kit], end: Sequence[Kit], *, summary: str) -> list[Message]:
    """Return blocks in as few messages as the limits allow; `end` stands on the last."""
    messages: list[list[Kit]] = [[]]
    size, tables = 0, 0
    for block in blocks:
        length = count_characters(block)
        is_table = block["type"] in {"table", "data_table"}
        full = len(messages[-1]) >= MOST_BLOCKS or size + length > MOST_CHARACTERS or (is_table and tables)
        if messages[-1] and full:
            messages.append([])
            size, tables = 0, 0
        messages[-1].append(block)
        size, tables = size + length, tables + is_table
    messages[-1] += end
    text = escape(clip(summary, _LONGEST_TEXT))
    return [Message(text if not place else "(continued)", found) for place, found in enumerate(messages)]


def count_characters(block: object) -> int:
    """Return how many characters the texts of a block have."""
    if isinstance(block, dict):
        own = len(block["text"]) if isinstance(block.get("text"), str) else 0
        return own + sum(count_characters(value) for value in block.values() if not isinstance(value, str))
    return sum(count_characters(value) for value in block) if isinstance(block, list) else 0


def _render_block(block: Block) -> list[Kit]:
    match block:
        case Paragraph():
            title = [run(f"{block.title}: ", italic=True)] if block.title else []
            runs = [piece for sentence in block.sentences for piece in (*_runs(sentence), run(" "))]
            return [paragraph(*part) for part in _split([*title, *runs])]
        case ListBlock() | Checklist():
            mark = [run("☐ ")] if isinstance(block, Checklist) else []
            ordered = isinstance(block, ListBlock) and block.ordered
            items = [[*mark, *part] for item in block.items for part in _split(_runs(item))]
            title = [paragraph(run(block.title, bold=True))] if block.title else []
            return [*title, *(bullets(part, ordered=ordered) for part in _chunks(items))]
        case Table():
            title = [paragraph(run(block.title, bold=True))] if block.title else []
            rows = [(*row.cells[:-1], f"{row.cells[-1]}{_marks(row.citations)}") for row in block.rows]
            parts = [rows[at : at + MOST_ROWS - 1] for at in range(0, len(rows), MOST_ROWS - 1)]
            return [*title, *(table(block.columns, part) for part in parts)]
        case Notice():
            return [paragraph(run(block.text, italic=True))]


def _runs(sentence: Sentence) -> list[Kit]:
    return [
        run(sentence.text, bold=sentence.strong),
        *([run(_marks(sentence.citations))] if sentence.citations else []),
    ]


def _marks(citations: Sequence[int]) -> str:
    return "".join(f" [{number}]" for number in citations)


def _split(runs: Sequence[Kit]) -> list[list[Kit]]:
    """Return runs in groups short enough for a block; a longer run is cut between words."""
    groups: list[list[Kit]] = [[]]
    room = _LONGEST_RUN
    for piece in runs:
        text = piece["text"]
        while text:
            if room <= 0 or (len(text) > room and groups[-1] and len(text) <= _LONGEST_RUN):
                groups.append([])
                room = _LONGEST_RUN
            cut = len(text) if len(text) <= room else (text.rfind(" ", 0, room) + 1 or room)
            groups[-1].append(piece | {"text": text[:cut]})
            room -= cut
            text = text[cut:]
            if text:
                groups.append([])
                room = _LONGEST_RUN
    return [group for group in groups if group]


def _chunks(items: Sequence[list[Kit]]) -> list[list[list[Kit]]]:
    """Return list items in groups of a few thousand characters."""
    groups: list[list[list[Kit]]] = [[]]
    size = 0
    for item in items:
        length = sum(len(piece["text"]) for piece in item)
        if groups[-1] and size + length > _LONGEST_RUN:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += length
    return [group for group in groups if group]


def word_sources(citations: Sequence[Citation]) -> list[str]:
    """Return one line a place: the numbers of its citations, playbook, section, articles."""
    numbers: dict[str, list[int]] = {}
    for citation in citations:
        articles = ", ".join(source.id for source in citation.sources)
        place = citation.dated + (f" ({articles})" if articles else "")
        numbers.setdefault(place, []).append(citation.number)
    return [f"{' '.join(f'[{number}]' for number in found)} {place}" for place, found in numbers.items()]


def _render_sources(citations: Sequence[Citation]) -> Kit:
    return context("\n".join(word_sources(citations)))


def _answer_buttons(answer: Answer, *, private: bool) -> list[Kit]:
    rows: list[Kit] = []
    if private:
        rows.append(
            actions(
                button("Share to channel", "share", answer.id, style="primary", confirm=_SHARE),
                button("Keep private", "keep_private", answer.id),
            )
        )
    if not answer.citations and answer.outcome is not Outcome.DECLINED:
        return rows
    if answer.outcome in {Outcome.ANSWERED, Outcome.PARTIAL}:
        rows.append(
            actions(
                button("More detail", "more_detail", answer.id),
                button("As a checklist", "as_checklist", answer.id),
                button("Ask a human", "ask_human", answer.id, confirm=_HUMAN),
                *([_source_menu(answer)] if answer.citations else []),
            )
        )
    elif answer.outcome is Outcome.DECLINED:
        rows.append(actions(button("Ask a human", "ask_human", answer.id, confirm=_HUMAN)))
    return [*rows, feedback_buttons(answer.id)] if answer.outcome is not Outcome.CLARIFY else rows


def _source_menu(answer: Answer) -> Kit:
    """Return the menu that says which source does not hold what it is cited for."""
    options = [
        {"text": plain(clip(f"[{c.number}] {c.place}", 75)), "value": f"source-{c.number}/{answer.id}"}
        for c in answer.citations[:MOST_OPTIONS]
    ]
    placeholder = plain("A source does not fit …")
    return {"type": "static_select", "action_id": "source_wrong", "placeholder": placeholder, "options": options}


def feedback_buttons(answer_id: str) -> Kit:
    """Return the thumbs under an answer."""

    def thumb(label: str, spoken: str, value: str) -> Kit:
        return {"text": plain(label), "value": f"{value}/{answer_id}", "accessibility_label": spoken}

    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": thumb("Helpful", "This answer helped", "yes"),
                "negative_button": thumb("Not helpful", "This answer did not help", "no"),
            }
        ],
    }


def _first_words(answer: Answer) -> str:
    return answer.text.replace("**", "") or "The advisor has answered."


def say(text: str, *more: Kit) -> Message:
    """Return a short message of our own."""
    return Message(escape(clip(text, _LONGEST_TEXT)), [paragraph(run(text)), *more])
