"""Reading text and YAML files, with errors that name file, line and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from advisor.errors import KnowledgeError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(file: Path) -> str:
    """Return a UTF-8 file."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KnowledgeError(file, None, "the file is missing.", "Create it beside the playbook.") from None
    except UnicodeDecodeError as error:
        raise KnowledgeError(file, None, "the file is not UTF-8 text.", "Save it as UTF-8.") from error


def load_yaml(file: Path) -> dict[str, Any]:
    """Return the keys of a YAML file."""
    return parse_yaml(file, read_text(file))


def parse_yaml(file: Path, raw: str, offset: int = 0) -> dict[str, Any]:
    """Return the keys of YAML text that begins `offset` lines into a file."""
    try:
        loaded = yaml.load(raw, Loader=_LOADER)  # noqa: S506  the safe loader, in C where it is there
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 + offset if mark else None
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise KnowledgeError(
            file, line, f"{problem}.", 'Quote texts that contain ": " and keep the indentation even.'
        ) from error
    if not isinstance(loaded, dict):
        raise KnowledgeError(file, 1 + offset, "it holds no keys.", "Write key: value lines.")
    return loaded


def first_problem(error: Exception) -> str:
    """Return the first thing that a validation found wrong, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].lower()}."
    return str(error).splitlines()[0]
