"""Runs of a suite as they are kept: what was asked of which build, and what every judge said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from advisor.domain.base import Value
from advisor.domain.dialogue import Outcome, Role
from advisor.errors import InvalidInputError
from advisor.settings import Settings
from evals.cases import Expect, Half, Kind, Suite, Way
from evals.seen import Score

_CODE = Path(__file__).parent.parent
_SUITE = ("suite.yaml", "cases/*/*.yaml", "generations/*.yaml")
_FOLDERS = {"code": "advisor", "judges": "evals", "prompts": "prompts"}
_KINDS = frozenset({".py", ".yaml", ".md", ".html", ".jinja"})


class Cited(Value):
    """A citation as the report shows it."""

    number: int
    place: str
    quote: str


class Found(Value):
    """A passage as retrieval ranked it: its section, and how it begins."""

    id: str
    place: str
    text: str


class CaseResult(Value):
    """One case, how it ended, and what the judges said. `probability` is that the playbooks answer."""

    id: str
    half: Half
    kind: Kind
    topic: str
    role: Role
    way: Way
    question: str
    expect: Expect
    wanted: tuple[str, ...] = ()
    outcome: Outcome | None = None
    text: str = ""
    citations: tuple[Cited, ...] = ()
    suggestions: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    probability: float | None = None
    scores: Mapping[str, Score]
    silent: tuple[str, ...] = ()
    """The judges that looked at the answer and had nothing to say."""
    judged: float | None = None
    """The share of a chat model's votes that the answer is right, where one was asked."""

    @property
    def passed(self) -> bool:
        """Whether every judge that has a say was content."""
        graded = ("latency", "ndcg", "rank", "recall")
        return all(score.value == 1 for name, score in self.scores.items() if name not in graded)

    @property
    def missed(self) -> dict[str, str]:
        """What was missed, by judge."""
        graded = ("latency", "ndcg", "rank")
        return {n: score.reason for n, score in self.scores.items() if n not in graded and score.value < 1}


class Run(Value):
    """All results of one build. `fingerprints` say which code, prompts, playbooks, model and cases these were."""

    started: datetime
    fingerprints: Mapping[str, str]
    results: tuple[CaseResult, ...]
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """When it was started, and a digest of what was run."""
        told = json.dumps(dict(self.fingerprints), sort_keys=True).encode()
        return f"{self.started:%Y%m%d-%H%M%S}-{hashlib.sha256(told).hexdigest()[:8]}"

    @property
    def halves(self) -> dict[str, Half]:
        """The half of each case."""
        return {result.id: result.half for result in self.results}

    def of(self, half: Half) -> tuple[CaseResult, ...]:
        """Return the results of one half."""
        return tuple(result for result in self.results if result.half is half)


def digest_files(files: Iterable[Path]) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of files, with their names."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _list_code(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that shape answers or verdicts, without cases, fixtures and runs."""
    apart = {"cases", "fixtures", "generations", "out"}
    for file in folder.rglob("*"):
        inner = file.relative_to(folder).parts
        if file.suffix in _KINDS and file.is_file() and not apart & set(inner[:-1]):
            yield file


def _list_suite(folder: Path) -> Iterator[Path]:
    for name in _SUITE:
        yield from folder.glob(name)


def take_fingerprints(settings: Settings, suite: Suite, embedder: str) -> dict[str, str]:
    """Return digests of everything that shapes the answers, by name."""
    found = {name: digest_files(_list_code(_CODE / folder)) for name, folder in _FOLDERS.items()}
    return found | {
        "playbooks": digest_files(file for file in settings.knowledge_base_dir.iterdir() if file.is_file()),
        "cases": digest_files(
            file for file in (*_list_suite(suite.folder), suite.records_file) if file is not None and file.is_file()
        ),
        "documents": digest_files(
            file for c in suite.list_collections() for file in Path(c.path).rglob("*") if file.is_file()
        ),
        "embedding model": embedder,
        "chat model": settings.chat_model or "none",
        "reranker": settings.reranker or "none",
        "thresholds": json.dumps(settings.thresholds, sort_keys=True),
    }


def save_run(folder: Path, run: Run) -> Path:
    """Write a run under its id; return the file."""
    folder = folder / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{run.id}.json"
    file.write_text(run.model_dump_json(indent=1))
    return file


def load_run(folder: Path, name: str) -> Run:
    """Load a run by its file, its id, the beginning of it, or "latest"; raise InvalidInputError."""
    kept = sorted((folder / "runs").glob("*.json"))
    file = Path(name)
    if not file.is_file():
        fitting = (
            kept[-1:] if name == "latest" else [kept_file for kept_file in kept if kept_file.stem.startswith(name)]
        )
        if len(fitting) != 1:
            known = ", ".join(path.stem for path in kept[-5:]) or "none yet: run `python -m evals`"
            raise InvalidInputError(f'"{name}" names {len(fitting)} runs.', f"The newest ones: {known}.")
        file = fitting[0]
    try:
        return Run.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise InvalidInputError(f"{file.name} is no run of this version.", "Run `python -m evals` again.") from error
