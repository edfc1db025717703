"""Versions side by side: one migrates while the others wait; an older program lives with newer tables, or refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from advisor.domain.dialogue import Answer, Outcome, Role
from advisor.domain.identity import Caller
from advisor.domain.records import RecordKind
from advisor.domain.register import NewEntry
from advisor.errors import StorageError
from advisor.storage import database
from advisor.storage.conversations import SqlConversations
from advisor.storage.database import HEAD, migrate, open_database
from advisor.storage.register import SqlRegisterLog
from tests.conftest import ROOT

ANNA = Caller(id="anna")
OPENERS = 6
OPEN = "import sys; from advisor.storage.database import open_database; open_database(sys.argv[1])"
REVISIONS = tuple(
    reversed([step.revision for step in ScriptDirectory(str(database._MIGRATIONS)).walk_revisions()])
)  # oldest first


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/t.sqlite"
    server: str = request.getfixturevalue("postgres_url")
    name = f"upgrade_{abs(hash(request.node.nodeid))}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.replace("/postgres?", f"/{name}?")


def open_in_processes(url: str) -> list[str]:
    """Open a database in several processes at once; return what each of them complained about."""
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN, url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(OPENERS)
    ]
    complaints = [process.communicate(timeout=120)[1] for process in started]
    return [complaint for process, complaint in zip(started, complaints, strict=True) if process.returncode]


def find_version(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def claim(engine: Engine, version: str) -> None:
    """Have a database say that a newer program has migrated it."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@pytest.mark.slow
@pytest.mark.parametrize("start", ["empty", "0001"])
def test_of_several_that_open_at_once_one_migrates_and_the_others_wait(url: str, start: str) -> None:
    if start != "empty":
        migrate(open_database(url), start)
        turns = [{"answer": f'{{"id": "{number}"}}'} for number in range(2000)]
        columns = "conversation_id, caller_id, asked_at, answer"
        statement = f"INSERT INTO turn ({columns}) VALUES ('c', 'anna', '2026-01-02', :answer)"
        with create_engine(url).begin() as connection:
            connection.execute(text(statement), turns)
    assert open_in_processes(url) == []
    engine = open_database(url)
    assert find_version(engine) == HEAD
    if start != "empty":
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(DISTINCT answer_id) FROM turn")).scalar() == 2000


def test_threads_of_one_process_may_open_at_once_too(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def open_it(number: int) -> None:
        try:
            open_database(f"sqlite:///{tmp_path}/{number % 3}.sqlite").dispose()
        except Exception as error:  # noqa: BLE001  told below
            failed.append(error)

    threads = [threading.Thread(target=open_it, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for number in range(3):
        assert find_version(create_engine(f"sqlite:///{tmp_path}/{number}.sqlite")) == HEAD


def test_a_program_works_on_tables_that_a_newer_one_has_let_grow(url: str) -> None:
    engine = open_database(url)
    newer = f"{int(HEAD) + 1:04}"
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE turn ADD COLUMN mood VARCHAR(8) NOT NULL DEFAULT ''"))
        connection.execute(text("CREATE TABLE novelty (number INTEGER PRIMARY KEY)"))
    claim(engine, newer)
    engine = open_database(url)
    answer = Answer(id="1", conversation_id="c", question="Why?", query="Why?", role=Role.EXECUTIVE,
                    outcome=Outcome.ANSWERED, blocks=())  # fmt: skip
    SqlConversations(engine).record(ANNA, answer)
    assert SqlConversations(engine).get_answer(ANNA, "1") == answer
    entry = NewEntry(key="1", kind=RecordKind.LESSON, subject="l", patch={"initiative": "x"}, effective_on=date.today())
    assert SqlRegisterLog(engine).append(ANNA, [entry])
    assert find_version(engine) == newer  # it took nothing back
    assert "novelty" in inspect(engine).get_table_names()


@pytest.mark.parametrize("newer", [f"{int(HEAD) + 1001:04}", "ff01"])
def test_a_program_refuses_tables_from_which_a_newer_one_has_taken_something_away(url: str, newer: str) -> None:
    engine = open_database(url)
    claim(engine, newer)
    tables = inspect(engine).get_table_names()
    with pytest.raises(StorageError, match=f"newer version.*{newer}") as caught:
        open_database(url)
    assert "Install the newer version" in caught.value.remedy
    assert (find_version(engine), inspect(engine).get_table_names()) == (newer, tables)


@pytest.mark.parametrize(("before", "after"), list(pairwise(REVISIONS)))
def test_within_an_era_a_migration_lets_tables_grow_and_nothing_else(url: str, before: str, after: str) -> None:
    """What a program knew of a database stands there still, and it need not know what came to it."""
    engine = open_database(url)
    migrate(engine, before)
    known = describe(engine)
    migrate(engine, after)
    grown = describe(engine)
    if before[0] != after[0]:
        assert not kept(known, grown), f"{after} takes nothing away; call it {before[0]}{after[1:]}"
        return
    assert kept(known, grown), f"{after} takes something away; begin the next era with it"


def test_the_check_of_growth_sees_what_is_taken_away(url: str) -> None:
    engine = open_database(url)
    known = describe(engine)
    for statement in (
        "ALTER TABLE turn ADD COLUMN mood VARCHAR(8) NOT NULL",
        "ALTER TABLE turn DROP COLUMN receipt",
        "ALTER TABLE turn RENAME COLUMN caller_id TO who",
        "DROP TABLE spent",
        "CREATE UNIQUE INDEX once ON feedback (answer_id)",
    ):
        if "NOT NULL" in statement and engine.dialect.name == "sqlite":
            continue  # SQLite itself refuses it
        with engine.connect() as connection, connection.begin() as attempt:
            connection.execute(text(statement))
            assert not kept(known, describe(connection)), statement
            attempt.rollback()
    assert kept(known, describe(engine))


Tables = dict[str, dict[str, tuple[str, bool, bool]]]


def describe(bind: object) -> tuple[Tables, set[str]]:
    """Return type, and whether it may be left out, of each column by table; and what must be unique."""
    found = inspect(bind)
    tables: Tables = {}
    unique: set[str] = set()
    for table in found.get_table_names():
        tables[table] = {
            column["name"]: (str(column["type"]), bool(column["nullable"]), column["default"] is not None)
            for column in found.get_columns(table)
        }
        unique |= {f"{table}: {index['column_names']}" for index in found.get_indexes(table) if index["unique"]}
        unique |= {f"{table}: {rule['column_names']}" for rule in found.get_unique_constraints(table)}
    return tables, unique


def kept(known: tuple[Tables, set[str]], grown: tuple[Tables, set[str]]) -> bool:
    """Whether a program that knows the one can work on the other."""
    for table, columns in known[0].items():
        now = grown[0].get(table, {})
        if any(now.get(name) != column for name, column in columns.items()):
            return False
        if any(not (nullable or default) for name, (_, nullable, default) in now.items() if name not in columns):
            return False
    return {rule for rule in grown[1] if rule.split(":")[0] in known[0]} == known[1]
