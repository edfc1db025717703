"""Greetings, thanks and "what can you do?": recognised as a whole message, answered with a friendly line."""

from __future__ import annotations

import re

ABILITY = (
    "I answer questions about running industrial AI from your playbooks: governance, IT and OT, KPIs, change, data, "
    "operator trust, integration debt, rollout and more. Each sentence names its source, and I say so when the "
    "playbooks do not cover something."
)
OPENERS = (
    "How should we choose KPIs?",
    "How long should a shadow period be?",
    "Why do pilots work and rollouts fail?",
)
_POLITE = r"(?:\s*(?:there|all|team|everyone|again|advisor|bot|so much|very much|a lot|for (?:that|this|your help|the help)))*"
_END = r"[\s!.,?:)]*$"
_LINES = (
    (
        re.compile(rf"^(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings|howdy){_POLITE}{_END}", re.I),
        "Hello. Ask me how to take industrial AI from pilot to production.",
    ),
    (
        re.compile(
            rf"^(?:ok(?:ay)?[,. ]+|great[,. ]+|perfect[,. ]+)?(?:thanks|thank you|thx|cheers|much appreciated|many thanks){_POLITE}"
            rf"(?:[,. !]+(?:that (?:helps|helped|was helpful)|very helpful|great))?{_END}",
            re.I,
        ),
        "You are welcome. Ask again whenever a decision comes up.",
    ),
    (re.compile(rf"^(?:bye|goodbye|see you|that'?s all){_POLITE}{_END}", re.I), "Goodbye, and good luck with the program."),
    (
        re.compile(
            rf"^(?:{'|'.join(('hi', 'hello', 'hey'))})?[,. ]*(?:what (?:can|do) you (?:do|know|answer|cover)(?: for (?:me|us))?|who are you|what are you"
            rf"|help(?: me)?|how (?:does this|do you) work|what (?:can|should|could) i ask(?: you)?|what is this){_END}",
            re.I,
        ),
        ABILITY,
    ),
)


def find_courtesy(question: str) -> str | None:
    """Return the friendly line for a message that is courtesy and nothing else, or None."""
    text = " ".join(question.replace("’", "'").split())
    return next((line for pattern, line in _LINES if pattern.match(text)), None)
