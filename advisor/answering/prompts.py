"""Prompt templates: one Markdown file each, with front matter that declares what goes in."""

from __future__ import annotations

import hashlib
import string
from pathlib import Path

import yaml
from pydantic import ValidationError

from advisor.domain.base import Value
from advisor.errors import KnowledgeError


class _Head(Value):
    """The front matter of a template."""

    purpose: str
    inputs: tuple[str, ...]


class Prompt(Value):
    """A template; `fingerprint` is the first 16 hexadecimal digits of the SHA-256 of its file."""

    name: str
    purpose: str
    inputs: tuple[str, ...]
    body: str
    fingerprint: str

    def render(self, **inputs: str) -> str:
        """Return the text with its inputs in place; they are inserted as they are, braces and all."""
        if set(inputs) != set(self.inputs):
            raise ValueError(f"{self.name} takes {', '.join(self.inputs)}")
        return string.Formatter().vformat(self.body, (), inputs)


def load_prompt(directory: Path, name: str) -> Prompt:
    """Read a template; raise KnowledgeError where its front matter and its body do not agree."""
    file = directory / f"{name}.md"
    try:
        text = file.read_text()
        _, head, body = text.split("---\n", 2)
        told = _Head.model_validate(yaml.safe_load(head))
    except (OSError, ValueError, ValidationError, yaml.YAMLError):
        raise KnowledgeError(file, 1, "the prompt cannot be read.", "Give it front matter: purpose, inputs.") from None
    used = {field for _, field, _, _ in string.Formatter().parse(body) if field is not None}
    if used != set(told.inputs):
        raise KnowledgeError(file, 1, "inputs and body differ.", "Declare just the inputs that the body uses.")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Prompt(name=name, purpose=told.purpose, inputs=told.inputs, body=body.strip(), fingerprint=digest)
