"""The tree of errors. Each says what went wrong and what to do about it, in one sentence apiece.

AdvisorError
├── InvalidInputError         what the person sent cannot be used
├── NotFoundError             nothing goes by that name
├── UnauthenticatedError      it is not known who asks
├── ForbiddenError            the caller may not do this
├── ConflictError             it was changed meanwhile, or its key was used for something else
├── BusyError                 another process holds the lock
├── KnowledgeError            a playbook is malformed: file, line, remedy
├── ModelError                embedding model missing, changed or unusable
├── StorageError              the database or the disk refuses
│   └── ReadOnlyError             the folder may be read, not written
└── UnavailableError          the advisor cannot answer now
    └── IndexUnavailableError     no index, or one that fails its checks
"""

from __future__ import annotations

from pathlib import Path


class AdvisorError(Exception):
    """Something a person can act on: `problem` says what happened, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class InvalidInputError(AdvisorError):
    """What was sent cannot be used as it stands."""


class NotFoundError(AdvisorError):
    """Nothing goes by the name that was given."""


class UnauthenticatedError(AdvisorError):
    """It is not known who asks, or what they show is not accepted."""


class ForbiddenError(AdvisorError):
    """The caller lacks the permission."""


class ConflictError(AdvisorError):
    """The state is not the one that the request rests on."""


class BusyError(AdvisorError):
    """Another process is doing work that allows only one at a time."""


class KnowledgeError(AdvisorError):
    """A playbook or its sidecar breaks a rule of the format."""

    def __init__(self, file: Path, line: int | None, problem: str, remedy: str) -> None:
        place = f"{file.name}, line {line}" if line else file.name
        super().__init__(f"{place}: {problem}", remedy)
        self.file = file
        self.line = line


class ModelError(AdvisorError):
    """The embedding model is missing, was changed, or cannot be run."""


class StorageError(AdvisorError):
    """The database or the disk refused to store or read something."""


class ReadOnlyError(StorageError):
    """A folder that should be written may only be read."""


class UnavailableError(AdvisorError):
    """The advisor cannot answer for now."""


class IndexUnavailableError(UnavailableError):
    """There is no index, or the index fails its checks."""
