"""Shared parts. The real model and the real index are built once and reused while the playbooks stay the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path

import filelock
import pytest

from advisor.bootstrap import build_advisor, build_embedder, build_ingest, build_library_ingest
from advisor.domain.criteria import CriteriaBook
from advisor.domain.knowledge import Collection, KnowledgeBase
from advisor.knowledge.criteria import load_criteria
from advisor.knowledge.playbooks import load_knowledge_base
from advisor.ports import Embedder
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from tests.knowledge.files import make_pdf

ROOT = Path(__file__).resolve().parent.parent
SMALL = Path(__file__).parent / "small_knowledge_base"
TODAY = date(2026, 11, 20)
OPEN_RULE = "Every gearbox alarm is answered within ten minutes by the shift lead on duty."
SECRET_RULE = "The gearbox alarm line of Nordwerk closes in March and moves to Zwolle with all its alarms."
OfficeMaker = Callable[[str], ProgramOffice]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ADVISOR_") and "TEST" not in name]:
        monkeypatch.delenv(name)


_LONGEST = frozenset({"test_kills.py", "test_delivery.py", "test_interrupted.py", "test_suite.py"})
"""They go first, so that no processor waits for one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(scope="session")
def indexed(request: pytest.FixtureRequest) -> Settings:
    """Settings of a data directory with the model exported and all playbooks indexed."""
    folder = Path(request.config.cache.mkdir("advisor"))
    settings = Settings(data_dir=folder, _env_file=None)
    with filelock.FileLock(folder / "setup.lock"):
        build_ingest(settings).run()
    return settings


@pytest.fixture(scope="session")
def embedder(indexed: Settings) -> Embedder:
    """The real embedding model."""
    return build_embedder(indexed)


@pytest.fixture(scope="session")
def knowledge() -> KnowledgeBase:
    """The real playbooks."""
    return load_knowledge_base(ROOT / "knowledge_base")


@pytest.fixture(scope="session")
def book(knowledge: KnowledgeBase) -> CriteriaBook:
    return load_criteria(ROOT / "knowledge_base", knowledge, {})


@pytest.fixture(scope="session")
def make_office(book: CriteriaBook, knowledge: KnowledgeBase) -> OfficeMaker:
    sections = {section.id: section for section in knowledge.sections}

    def make(url: str) -> ProgramOffice:
        log = SqlRegisterLog(open_database(url))
        return ProgramOffice(log=log, book=book, sections=sections, today=lambda: TODAY)

    return make


@pytest.fixture(scope="session")
def advisor(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    """The real advisor; its conversations are its own."""
    database = f"sqlite:///{tmp_path_factory.mktemp('conversations') / 'test.sqlite'}"
    return build_advisor(indexed.model_copy(update={"database_url": database}))


@pytest.fixture
def small(tmp_path: Path, indexed: Settings) -> Settings:
    """Settings of an empty data directory with the model in place and a small knowledge base to change at will."""
    shutil.copytree(SMALL, tmp_path / "knowledge_base")
    settings = Settings(data_dir=tmp_path / "data", knowledge_base_dir=tmp_path / "knowledge_base", _env_file=None)
    settings.model_dir.parent.mkdir(parents=True)
    shutil.copytree(indexed.model_dir, settings.model_dir, copy_function=os.link)
    return settings


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own, on a Unix socket; needs Debian's `postgresql` or another one on the PATH."""
    found = shutil.which("initdb") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if found is None:
        missing("PostgreSQL")
    binaries = Path(str(found)).parent
    folder = tmp_path_factory.mktemp("postgres")
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        for parent in (folder, *folder.parents):
            if parent == Path("/"):
                break
            parent.chmod(parent.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    subprocess.run(
        [*as_user, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "advisor"],
        check=True,
        capture_output=True,
    )
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, capture_output=True)
    try:
        yield f"postgresql+psycopg://advisor@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; needs Debian's `chromium` or another one on the PATH."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("Chromium")
    return str(found)


def missing(what: str) -> None:
    """Skip on a developer's machine; fail in CI, where nothing is skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


def need_pango() -> None:
    """Skip, or fail in CI, where the system library that sets PDFs is not installed."""
    try:
        import_module("weasyprint")
    except OSError:
        missing("Pango")


@pytest.fixture(scope="session")
def library(indexed: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a data directory with documents for everybody and documents for the board."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "data").mkdir()
    for name in ("models", "generations"):
        (folder / "data" / name).symlink_to(indexed.data_dir / name)
    (folder / "policies").mkdir()
    (folder / "policies" / "alarms.md").write_text(f"# Alarm policy\n\n{OPEN_RULE}\n")
    (folder / "papers").mkdir()
    (folder / "papers" / "nordwerk-plan.pdf").write_bytes(
        make_pdf(["Nordwerk plan", "This plan is for the board."], [SECRET_RULE, "It is told to nobody else."])
    )
    settings = Settings(
        _env_file=None,
        data_dir=folder / "data",
        collections=(
            Collection(name="policies", path=str(folder / "policies")),
            Collection(name="osprey papers", path=str(folder / "papers"), label="board"),
        ),
    )
    build_library_ingest(settings).run()
    return settings
