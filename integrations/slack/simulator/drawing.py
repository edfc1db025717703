"""Draw blocks and the elements in them as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from integrations.slack.simulator.errors import Json

Names = Callable[[str], str]
_LINK = re.compile(r"&lt;(https?://[^|&]+(?:&amp;[^|&]+)*)(?:\|(.+?))?&gt;")
_MENTION = re.compile(r"&lt;([@#])(\w+)(?:\|[^&]*)?&gt;")
_MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
_CODE = re.compile(r"```\n?(.*?)```|`([^`\n]+)`", re.S)
_KEPT = re.compile(r"\0(\d+)\0")
_MENTIONED = re.compile(r"&lt;@(\w+)&gt;")
_MARKS = (
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)"), r"<i>\1</i>"),
    (re.compile(r"(?<!\w)~([^~\n]+)~(?!\w)"), r"<s>\1</s>"),
    (re.compile(r"^#{1,6} (.+)$", re.M), r'<b class="heading">\1</b>'),
    (re.compile(r"^(?:&gt;|&gt; )(.+)$", re.M), r"<q>\1</q>"),
    (re.compile(r"^(\s*)[-*] ", re.M), r"\1• "),
)


def text(value: str, names: Names) -> str:
    """Return mrkdwn or Markdown as HTML, recognisably rather than exactly."""
    kept: list[str] = []

    def keep(tag: str) -> str:
        kept.append(tag)
        return f"\0{len(kept) - 1}\0"

    def mention(match: re.Match[str]) -> str:
        return keep(f'<span class="mention">{match[1]}{html.escape(names(match[2]))}</span>')

    def link(url: str, label: str) -> str:
        return keep(f'<a href="{url}">') + label + keep("</a>")

    shown = html.escape(html.unescape(value.replace("\0", "")), quote=True)
    shown = _CODE.sub(lambda m: keep(f"<pre>{m[1]}</pre>" if m[1] is not None else f"<code>{m[2]}</code>"), shown)
    shown = _MENTION.sub(mention, shown)
    shown = _LINK.sub(lambda m: link(m[1], m[2] or m[1]), shown)
    shown = _MARKDOWN_LINK.sub(lambda m: link(m[2], m[1]), shown)
    for pattern, replacement in _MARKS:
        shown = pattern.sub(replacement, shown)
    return '<div class="text">' + _KEPT.sub(lambda m: kept[int(m[1])], shown) + "</div>"


def blocks(listed: list[Json], names: Names, state: dict[str, Json] | None = None) -> str:
    """Return blocks as HTML; `state` holds what people filled in."""
    return "".join(_block(block, names, state or {}) for block in listed)


def _block(block: Json, names: Names, state: dict[str, Json]) -> str:
    draw = _DRAWERS.get(block["type"])
    if draw is None:
        return f'<div class="unknown">{html.escape(block["type"])}</div>'
    return draw(block, names, state.get(block.get("block_id", ""), {}))


def _section(block: Json, names: Names, state: Json) -> str:
    parts = [_text_object(block["text"], names)] if block.get("text") else []
    fields = "".join(_text_object(field, names) for field in block.get("fields") or [])
    if fields:
        parts.append(f'<div class="fields">{fields}</div>')
    accessory = _element(block["accessory"], names, state) if block.get("accessory") else ""
    return f'<div class="section"><div>{"".join(parts)}</div>{accessory}</div>'


def _header(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return f"<h3>{html.escape(block['text']['text'])}</h3>"


def _divider(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return "<hr>"


def _context(block: Json, names: Names, state: Json) -> str:
    parts = "".join(_element(element, names, state) for element in block["elements"])
    return f'<div class="context">{parts}</div>'


def _actions(block: Json, names: Names, state: Json) -> str:
    parts = "".join(_element(element, names, state) for element in block["elements"])
    return f'<div class="actions">{parts}</div>'


def _markdown(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return text(block["text"], names)


def _rich_text(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return "".join(_rich_part(part, names) for part in block["elements"])


def _rich_part(part: Json, names: Names) -> str:
    """Draw a section, a list, a quote or a piece of code of rich text."""
    if part["type"] == "rich_text_list":
        tag = "ol" if part.get("style") == "ordered" else "ul"
        items = "".join(f"<li>{_runs(item, names)}</li>" for item in part["elements"])
        return f"<{tag}>{items}</{tag}>"
    tag = {"rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}.get(part["type"], "p")
    return f"<{tag}>{_runs(part, names)}</{tag}>"


def _runs(part: Json, names: Names) -> str:
    drawn = []
    for run in part["elements"]:
        known = run.get("user_id") or run.get("channel_id")
        shown = html.escape(names(known) if known else str(run.get("text") or run.get("url") or ""))
        shown = _MENTIONED.sub(lambda found: f'<span class="mention">@{html.escape(names(found[1]))}</span>', shown)
        for style, tag in (("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")):
            if run.get("style", {}).get(style):
                shown = f"<{tag}>{shown}</{tag}>"
        drawn.append(shown)
    return "".join(drawn).replace("\n", "<br>")


def _image(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return f'<div class="image">{html.escape(block.get("alt_text", ""))}</div>'


def _table(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    rows = []
    for index, row in enumerate(block["rows"]):
        tag = "td" if index else "th"
        rows.append("".join(f"<{tag}>{html.escape(_flat(cell))}</{tag}>" for cell in row))
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _data_table(block: Json, names: Names, state: Json) -> str:
    return f'<div class="note">{html.escape(block["caption"])} ⇅</div>{_table(block, names, state)}'


def _chart(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    """Draw a chart as bars of one scale; what it says can be read without them."""
    series = block["chart"].get("series") or []
    most = max((point["value"] for one in series for point in one["data"]), default=0) or 1
    rows = []
    for place, category in enumerate((block["chart"].get("axis_config") or {}).get("categories", [])):
        for number, one in enumerate(series):
            value = one["data"][place]["value"]
            width = f'<span class="bar b{number}" style="width:{8 * value / most:.2f}rem"></span>'
            label = category if not number else ""
            rows.append(f"<tr><td>{html.escape(label)}</td><td>{width} {value:g}</td></tr>")
    legend = ", ".join(one["name"] for one in series)
    return f'<div class="chart"><b>{html.escape(block["title"])}</b><div class="note">{html.escape(legend)}</div><table>{"".join(rows)}</table></div>'  # noqa: E501


def _input(block: Json, names: Names, state: Json) -> str:
    label = html.escape(block["label"]["text"]) + (" (optional)" if block.get("optional") else "")
    return f'<div class="input"><label>{label}</label>{_element(block["element"], names, state)}</div>'


def _alert(block: Json, names: Names, state: Json) -> str:  # noqa: ARG001
    return f'<div class="alert">{_text_object(block["text"], names)}</div>'


def _element(element: Json, names: Names, state: Json) -> str:
    kind = element["type"]
    if kind in {"mrkdwn", "plain_text"}:
        return _text_object(element, names)
    if kind == "image":
        return f'<span class="image">{html.escape(element.get("alt_text", ""))}</span>'
    if kind == "feedback_buttons":
        sides = (element[side]["text"]["text"] for side in ("positive_button", "negative_button"))
        return "".join(f'<span class="button feedback">{html.escape(side)}</span>' for side in sides)
    if kind in {"button", "icon_button"}:
        style = f"button {element.get('style', '')}".strip()
        return f'<span class="{html.escape(style)}">{html.escape(element["text"]["text"])}</span>'
    known = state.get(element.get("action_id", ""))
    chosen = _flat(known) if known else ""
    waiting = (element.get("placeholder") or {}).get("text") or kind.replace("_", " ")
    css, shown = ("field", chosen) if chosen else ("field empty", waiting)
    ticked = {option["value"] for option in _chosen(known or {}, "selected") or _chosen(element, "initial")}
    if kind in {"checkboxes", "radio_buttons"}:
        marks = (("☑ " if o["value"] in ticked else "☐ ") + o["text"]["text"] for o in element["options"])
        return "".join(f'<div class="choice">{html.escape(mark)}</div>' for mark in marks)
    return f'<span class="{css}">{html.escape(shown)}</span>'


def _chosen(holder: Json, when: str) -> list[Json]:
    one = holder.get(f"{when}_option")
    return [one] if one else holder.get(f"{when}_options") or []


def _text_object(value: Json, names: Names) -> str:
    if value["type"] == "plain_text":
        return f'<div class="text">{html.escape(value["text"])}</div>'
    return text(value["text"], names)


def _flat(value: Any) -> str:
    """Return the bare text inside anything."""
    if isinstance(value, list):
        return " ".join(filter(None, map(_flat, value)))
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    if "user_id" in value:
        return f"<@{value['user_id']}>"
    for key in ("text", "elements", "value"):
        if value.get(key) is not None:
            return _flat(value[key])
    return " ".join(_flat(part) for key, part in value.items() if key.startswith("selected_") and part)


_DRAWERS: dict[str, Callable[[Json, Names, Json], str]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "context_actions": _actions,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "image": _image,
    "table": _table,
    "data_table": _data_table,
    "data_visualization": _chart,
    "input": _input,
    "alert": _alert,
}
