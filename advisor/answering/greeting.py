"""Meets what needs no playbook: courtesy, and questions in a language that the advisor does not read."""

from __future__ import annotations

from advisor.answering.courtesy import OPENERS, find_courtesy
from advisor.answering.language import find_foreign_language
from advisor.domain.dialogue import Draft, Outcome, Paragraph, Sentence


class RuleGreeter:
    """The greeter that needs no language model."""

    def greet(self, question: str) -> Draft | None:
        """Return a friendly line, or None for a real question."""
        if line := find_courtesy(question):
            return _draft(line, Outcome.ANSWERED)
        if language := find_foreign_language(question):
            return _draft(
                f"This looks like {language}. I read English questions and answer in English from English playbooks: "
                "please ask again in English.",
                Outcome.DECLINED,
            )
        return None


def _draft(line: str, outcome: Outcome) -> Draft:
    return Draft(outcome=outcome, blocks=(Paragraph(sentences=(Sentence(text=line),)),), suggestions=OPENERS)
