from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from advisor.domain.dialogue import Answer, Outcome, Role
from advisor.domain.identity import Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import NewEntry
from advisor.errors import InvalidInputError, StorageError
from advisor.storage import database
from advisor.storage.conversations import SqlConversations
from advisor.storage.database import HEAD, migrate, open_database
from advisor.storage.register import SqlRegisterLog
from advisor.storage.schema import Base

ANNA = Caller(id="anna")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_give_the_tables_that_the_code_expects(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with open_database(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.fault("R15")
def test_migrations_go_down_and_up_on_a_filled_database(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite"
    if kind == "postgresql":
        server = request.getfixturevalue("postgres_url")
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE migrations"))
        url = server.replace("/postgres?", "/migrations?")
    engine = open_database(url)
    answer = Answer(id="1", conversation_id="c", question="Why?", query="Why?", role=Role.EXECUTIVE,
                    outcome=Outcome.ANSWERED, blocks=())  # fmt: skip
    SqlConversations(engine).record(ANNA, answer)
    entry = NewEntry(key="1", kind=RecordKind.LESSON, subject="l", patch={"initiative": "x"}, effective_on=date.today())
    SqlRegisterLog(engine).append(ANNA, [entry])
    migrate(engine, "0001")
    assert set(inspect(engine).get_table_names()) == {"alembic_version", "turn"}
    engine = open_database(url)
    assert [turn.answer for turn in SqlConversations(engine).get_history(ANNA, "c")] == [answer]
    assert SqlConversations(engine).get_answer(ANNA, "1") == answer
    assert SqlRegisterLog(engine).read() == ()
    SqlRegisterLog(engine).append(ANNA, [entry])
    migrate(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    assert SqlRegisterLog(open_database(url)).append(ANNA, [entry])


def test_head_names_the_newest_migration() -> None:
    assert ScriptDirectory(str(Path(database.__file__).parent / "migrations")).get_current_head() == HEAD


def test_sqlite_writes_ahead(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path}/t.sqlite").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite"
    open_database(url).dispose()
    open_database(url).dispose()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("nonsense", InvalidInputError),
        ("oracle+nothing://x/y", StorageError),
        ("sqlite:////proc/nowhere/x.sqlite", StorageError),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", StorageError),
    ],
)
def test_a_database_that_cannot_be_opened_is_told_with_a_remedy(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        open_database(url)
    assert caught.value.remedy  # type: ignore[attr-defined]


@pytest.mark.fault("R15")
def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError):
        open_database(f"sqlite:///{tmp_path}/t.sqlite")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("postgresql+psycopg://advisor@127.0.0.1:1/x", "nothing answers at its address"),
        ("postgresql+psycopg://advisor@no-such-host.invalid/x", "its host is not known"),
        ("{server}", "there is no database of that name"),
        ("sqlite:///{folder}/text.sqlite", "no SQLite database"),
        ("sqlite:///{folder}", "file or folder is missing"),
    ],
)
def test_a_database_that_cannot_be_opened_says_why_and_tells_no_secret(
    url: str, cause: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "text.sqlite").write_text("This is a shopping list, and no database at all. " * 99)
    server = request.getfixturevalue("postgres_url").replace("/postgres?", "/nowhere?") if "{server}" in url else ""
    url = url.format(server=server, folder=tmp_path)
    with pytest.raises(StorageError, match=cause) as caught:
        open_database(url.replace("advisor@", "advisor:hunter2@"))
    assert "hunter2" not in str(caught.value)
