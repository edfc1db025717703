"""Looks at a new generation in a process of its own, before it serves: a broken one may kill whoever opens it.

`python -m advisor.retrieval.probe FOLDER` exits with 0 when the indexes in a folder hold; the store comes on stdin.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from advisor.errors import AdvisorError, IndexUnavailableError
from advisor.retrieval.catalogue import FILE_NAME, Catalogue
from advisor.retrieval.vector import CHUNKS, FAILURES, QUESTIONS, VectorSearch, VectorStore, spread

_SAMPLE = 200
_LEAST_ANSWERED = 0.9
"""A question is found by its words unless others share them all."""
_DEPTH = 10
_SECONDS = 120.0


def probe_in_child(directory: Path, store: VectorStore, *, seconds: float = _SECONDS) -> None:
    """Raise IndexUnavailableError unless a child process finds every index below a new folder sound, in time."""
    if problem := find_problem(directory, store, seconds=seconds):
        raise IndexUnavailableError(
            f"The new index does not hold ({problem}); the old one still serves.", "Run `advisor ingest` again."
        )


def find_problem(directory: Path, store: VectorStore, *, seconds: float = _SECONDS) -> str:
    """Return what a child process finds wrong with the indexes below a folder; empty where they are sound."""
    command = [sys.executable, "-m", "advisor.retrieval.probe", str(directory)]
    told = json.dumps({"url": store.url, "token": store.token})
    try:
        child = subprocess.run(  # noqa: S603  our own module
            command, input=told, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {seconds:.0f} s"
    return child.stdout.strip() or "the process that opened it died" if child.returncode else ""


def probe(directory: Path, store: VectorStore) -> None:
    """Raise IndexUnavailableError unless every index below a folder counts right and finds what was put into it."""
    for file in sorted(directory.rglob(FILE_NAME)):
        search = store.open(file.parent)
        catalogue = Catalogue(file.parent)
        try:
            for name in (CHUNKS, QUESTIONS):
                _check_vectors(search, name)
            _check_questions(search, catalogue)
            if catalogue.chunk_count != search.count(CHUNKS):
                raise IndexUnavailableError("the catalogue and the vectors differ in number", "")
        finally:
            catalogue.close()
            search.close()


def _check_vectors(search: VectorSearch, name: str) -> None:
    try:
        lost = search.find_lost(name)
    except FAILURES as error:
        raise IndexUnavailableError("the vectors do not answer", "") from error
    if lost:
        raise IndexUnavailableError(lost, "")


def _check_questions(search: VectorSearch, catalogue: Catalogue) -> None:
    """Check with the golden questions, those written beside each section: their words lead to their section."""
    count = search.count(QUESTIONS)
    sample = spread(count, _SAMPLE)
    answered = 0
    for question in catalogue.get_questions(sample).values():
        found = catalogue.get_chunks(catalogue.find_keyword(question.text, _DEPTH))
        answered += question.section_id in {section_id for _, section_id in found.values()}
    if answered < _LEAST_ANSWERED * len(sample):
        raise IndexUnavailableError(f"{len(sample) - answered} of {len(sample)} questions miss their section", "")


def _main() -> int:
    try:
        probe(Path(sys.argv[1]), VectorStore(**json.load(sys.stdin), deadline=_SECONDS / 4))
    except AdvisorError as error:
        sys.stdout.write(str(error.args[0]))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
