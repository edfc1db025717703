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
_POLITE = (
    r"(?:\s*(?:there|all|team|everyone|again|advisor|bot|so much|very much|a lot"
    r"|for (?:that|this|your help|the help)))*"
)
_END = r"[\s!.,?:)]*$"
_GREETING = r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings|howdy)"
_THANKS = r"(?:thanks|thank you|thx|cheers|much appreciated|many thanks)"
_ABILITY_QUESTION = (
    r"(?:what (?:can|do) you (?:do|know|answer|cover)(?: for (?:me|us))?|who are you|what are you|help(?: me)?"
    r"|how (?:does this|do you) work|what (?:can|should|could) i ask(?: you)?|what is this)"
)
_LINES = tuple(
    (re.compile(f"^{pattern}{_END}", re.IGNORECASE), line)
    for pattern, line in (
        (f"{_GREETING}{_POLITE}", "Hello. Ask me how to take industrial AI from pilot to production."),
        (
            rf"(?:(?:ok(?:ay)?|great|perfect)[,. ]+)?{_THANKS}{_POLITE}"
            r"(?:[,. !]+(?:that (?:helps|helped|was helpful)|very helpful|great))?",
            "You are welcome. Ask again whenever a decision comes up.",
        ),
        (
            r"no(?:pe)?(?:[,. ]+(?:thanks|thank you|that is all|that's all))?",
            "All right. Ask again whenever a decision comes up.",
        ),
        (rf"(?:bye|goodbye|see you|that'?s all){_POLITE}", "Goodbye, and good luck with the program."),
        (rf"(?:{_GREETING}[,. !]+)?{_ABILITY_QUESTION}", ABILITY),
    )
)


def find_courtesy(question: str) -> str | None:
    """Return the friendly line for a message that is courtesy and nothing else, or None."""
    text = " ".join(question.replace("’", "'").split())
    return next((line for pattern, line in _LINES if pattern.match(text)), None)
