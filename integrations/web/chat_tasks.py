"""Chores that chat programs ask of their model: a title, tags, what to ask next. They are no questions of anybody's.

Open WebUI and LibreChat send them as prompts of their own beside every conversation. They are recognised by the words
that these prompts have by default, answered from what was said, and never asked of the playbooks or kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from advisor.text import content_stems, words

_MOST_TITLE_WORDS = 6
_MOST_TAGS = 3
_SAID = re.compile(r"^\s*(?:\|\|>)?\s*(?:USER|User|Human)\s*:\s*(.+?)\s*$", re.M)
_HISTORY = re.compile(r"<chat_history>(.*)</chat_history>", re.S)
_TITLE = re.compile(
    r"\|\|>\s*Title\s*:\s*$|\b(?:generate|provide|create|write)\b.{0,160}\b(?:title|phrase as a title)\b", re.I | re.S
)
_TAGS = re.compile(r"\bgenerate\b[^.\n]{0,40}\btags\b", re.I)
_FOLLOW_UPS = re.compile(r"\bsuggest\b[^.\n]{0,60}\bfollow-up (?:questions|prompts)\b", re.I)
_QUERIES = re.compile(r"\bgenerating search queries\b|\bnecessity of generating\b", re.I)
_EMOJI = re.compile(r"\bemoji\b", re.I)
_IMAGE = re.compile(r"\bprompt for image generation\b|\bimage generation\b", re.I)
_COMPLETION = re.compile(r"\byou are an autocompletion system\b", re.I)
_CHORE = re.compile(
    r"^\s*(?:#{1,4}\s*Task:|Provide a concise, 5-word-or-less title|Create a concise, 3-5 word|Here is the query:|"
    r"Analyze this conversation and provide:|Detect the (?:default )?language\b.{0,80}\btitle\b|"
    r"Please generate (?:a concise, 5-word-or-less title|a concise title \(max )|Detect user language\b|"
    r"Your task is to (?:reflect|choose) .{0,80}\bemoji)",
    re.I | re.S,
)


_SCAFFOLD = re.compile(r"^\s*\|\|>\s*(?:User|Title|Query)\s*:.*\|\|>\s*(?:Title|Query)\s*:\s*$", re.I | re.S)
"""A conversation in LibreChat's older form, with the place for a title left open."""


def _make_title(said: str) -> str:
    words = said.rstrip("?!. ").split()
    return " ".join(words[:_MOST_TITLE_WORDS]) + (" …" if len(words) > _MOST_TITLE_WORDS else "")


def _make_tags(said: str) -> list[str]:
    return list(dict.fromkeys(word for word in words(said) if content_stems(word)))[:_MOST_TAGS] or ["operating model"]


_CHORES: Mapping[re.Pattern[str], tuple[str, Callable[[str], object]]] = {
    _TAGS: ("tags", _make_tags),
    _FOLLOW_UPS: ("follow_ups", lambda _: []),
    _QUERIES: ("queries", lambda _: []),
    _COMPLETION: ("text", lambda _: ""),
    _TITLE: ("title", _make_title),
    _IMAGE: ("prompt", lambda _: ""),
    _EMOJI: ("emoji", lambda _: "💬"),
}


def do_chore(prompt: str) -> str | None:
    """Return what a chat program's own prompt asks for, or None for a question of a person's.

    As JSON where the prompt asks for JSON, else as plain text.
    """
    if not (_CHORE.search(prompt) or _SCAFFOLD.search(prompt)):
        return None
    for pattern, (name, make) in _CHORES.items():
        if pattern.search(prompt):
            made = make(_find_first_words(prompt))
            if "JSON" in prompt:
                return json.dumps({name: made}, ensure_ascii=False)
            return made if isinstance(made, str) else ", ".join(map(str, made)) if isinstance(made, list) else ""
    return None


def _find_first_words(prompt: str) -> str:
    """Return what the person said first in the conversation that the prompt quotes."""
    history = _HISTORY.search(prompt)
    said = _SAID.search(history[1] if history else prompt)
    return said[1].strip('"“”') if said else "Conversation"
