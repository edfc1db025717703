"""Says what is wrong with an installation, one line a check: parts of its own, and what it leans on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from advisor.bootstrap import (
    build_audit,
    build_embedder,
    build_library,
    build_vectors,
    find_library_age,
    load_collections,
    open_chat,
)
from advisor.domain.identity import LOCAL_CALLER
from advisor.errors import AdvisorError, IndexUnavailableError, StorageError
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.retrieval import embeddings
from advisor.retrieval.generations import Generations
from advisor.retrieval.probe import find_problem
from advisor.safekeeping import find_last_backup
from advisor.settings import Settings
from advisor.storage.database import check_database, open_database

_LOW_DISK = 500_000_000


class Check(NamedTuple):
    """One line of a doctor."""

    name: str
    ok: bool
    detail: str


def run_checks(checks: Mapping[str, Callable[[], str]]) -> list[Check]:
    """Carry out checks by name; each returns what is right, or raises an AdvisorError that says what is not."""
    return [_run(name, check) for name, check in checks.items()]


def _run(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=check())
    except AdvisorError as error:
        return Check(name, ok=False, detail=str(error))


def check_installation(settings: Settings) -> list[Check]:
    """Look at every part, and say what is wrong with each; never raise."""
    return run_checks(
        {
            "Embedding model": lambda: _check_model(settings),
            "Playbooks": lambda: _check_playbooks(settings),
            "Index": lambda: _check_index(settings),
            "Vectors": lambda: _check_vectors(settings),
            "Documents": lambda: _check_documents(settings),
            "Chat model": lambda: _check_chat(settings),
            "Database": lambda: _check_database(settings),
            "Audit log": lambda: _check_audit(settings),
            "Backup": lambda: _check_backup(settings),
            "Disk": lambda: _check_disk(settings),
        }
    )


def _check_model(settings: Settings) -> str:
    if settings.embedding_model:
        return build_embedder(settings).fingerprint
    embeddings.check_weights(embeddings.packaged_model_dir())
    return f"{embeddings.MiniLmEmbedder(settings.model_dir).fingerprint}, digests match"


def _check_playbooks(settings: Settings) -> str:
    knowledge = load_knowledge_base(settings.knowledge_base_dir, reviewed_only=settings.reviewed_only)
    return f"{len(knowledge.playbooks)} playbooks, {len(knowledge.sections)} sections, well formed"


def _check_index(settings: Settings) -> str:
    generations = Generations(settings.generations_dir)
    _, manifest = generations.get_current()
    generations.check_files(manifest.id)
    if manifest.model != build_embedder(settings).fingerprint:
        raise AdvisorError("The index was built with another embedding model.", "Run `advisor ingest`.")
    knowledge = load_knowledge_base(settings.knowledge_base_dir, reviewed_only=settings.reviewed_only)
    if manifest.documents != knowledge.digests:
        raise AdvisorError("The playbooks changed since they were indexed.", "Run `advisor ingest`.")
    return f"generation {manifest.id}, {manifest.chunks} chunks, {manifest.questions} questions, up to date"


def _check_vectors(settings: Settings) -> str:
    """Have a process of its own look: a damaged file may end whoever opens it."""
    store = build_vectors(settings)
    both = (settings.generations_dir, settings.library_dir)
    folders = [folder for folder in both if Generations(folder).find_current()]
    if not folders:
        return "not looked at: nothing is indexed"
    for folder in folders:
        directory, _ = Generations(folder).get_current()
        if problem := find_problem(directory, store):
            raise IndexUnavailableError(f"The index does not hold ({problem}).", "Run `advisor ingest --rebuild`.")
    return f"{store.kind}: counts are right, and a sample finds itself"


def _check_documents(settings: Settings) -> str:
    collections = load_collections(settings)
    if not collections:
        return "no collections"
    for collection in collections:
        if not Path(collection.path).is_dir():
            raise AdvisorError(
                f'The folder of "{collection.name}" is not there ({collection.path}).', "Mount it, or remove it."
            )
    built = find_library_age(settings)
    if built is None:
        raise AdvisorError("The collections were never read.", "Run `advisor ingest`.")
    count = len(build_library(settings).list_documents(LOCAL_CALLER))
    return f"{len(collections)} collections, {count} documents, read on {built:%d %b %Y}"


def _check_chat(settings: Settings) -> str:
    if open_chat(settings) is None:
        return "none set: answers are quoted"
    return f"{settings.chat_model} can be opened (it is not called)"


def _check_database(settings: Settings) -> str:
    engine = open_database(settings.effective_database_url)
    try:
        check_database(engine)
    finally:
        engine.dispose()
    return f"{engine.dialect.name}, up to date"


def _check_audit(settings: Settings) -> str:
    verdict = build_audit(settings).verify()
    if verdict.problem:
        raise StorageError(f"The chain is broken: {verdict.problem}.", "See `advisor audit verify`.")
    return f"{verdict.lines} lines, the chain holds"


def _check_backup(settings: Settings) -> str:
    made = find_last_backup(settings)
    return f"the last one is of {made:%d %b %Y, %H:%M} UTC" if made else "none was made here: `advisor backup FILE`"


def _check_disk(settings: Settings) -> str:
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK:
        raise AdvisorError(f"Only {free // 1_000_000} MB are free.", "Free some disk space before the next ingest.")
    return f"{free / 1e9:.0f} GB free"
