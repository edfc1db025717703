"""A database that is away, full, half migrated or in flames; backups that bring everything back."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, inspect, text

from advisor.bootstrap import build_advisor, build_ingest, build_keys, build_program
from advisor.domain.identity import LOCAL_CALLER, NewKey
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.domain.work import Feedback
from advisor.errors import ConflictError, InvalidInputError, StorageError
from advisor.safekeeping import back_up, find_last_backup, restore
from advisor.settings import Settings
from advisor.storage import database
from advisor.storage.audit import SqlAuditLog
from advisor.storage.backup import read_backup, write_backup
from advisor.storage.database import open_database
from advisor.storage.register import SqlRegisterLog
from tests.conftest import SMALL, OfficeMaker
from tests.faults.conftest import BREWING, COFFEE, SHADOW, WEEKS, ask, fill, run, wait_until
from tests.integrations.conftest import ADVISOR, environment, serving

INITIATIVE = "line-3-predictive-maintenance"


def new_database(server: str, name: str) -> str:
    """Return the address of an empty database on a PostgreSQL server."""
    name = f"{name}_{secrets.token_hex(4)}"
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.replace("/postgres?", f"/{name}?")


def write_status(address: str, key: str) -> httpx.Response:
    """Record a status under a key."""
    fields = {"initiative": INITIATIVE, "health": "on_track", "summary": f"Update {key}."}
    return httpx.post(
        f"{address}/api/v1/records",
        json={"changes": [{"kind": "status_update", "fields": fields}]},
        headers={"Idempotency-Key": key},
        timeout=60,
    )


def count_rows(url: str) -> dict[str, int]:
    """Count the rows of all tables."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        return {name: int(connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar() or 0) for name in tables}


@contextmanager
def stopped(postgres_url: str) -> Iterator[None]:
    """Stop a PostgreSQL at once, and start it again."""
    folder = Path(str(re.search(r"host=(.+)$", postgres_url)[1]))  # type: ignore[index]
    binaries = (
        next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None) or Path(str(shutil.which("pg_ctl"))).parent
    )
    control = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", str(binaries / "pg_ctl")]
    control = control if Path("/proc/self").owner() == "root" else control[-1:]
    control += ["-D", str(folder / "data"), "-w"]
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
    try:
        yield
    finally:
        options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
        subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, capture_output=True)


@pytest.mark.fault("R15")
def test_without_its_database_it_answers_and_says_what_is_missing(whole: Settings, postgres_url: str) -> None:
    url = new_database(postgres_url, "away")
    build_program(whole.model_copy(update={"database_url": url})).load_demo(LOCAL_CALLER, door="test")
    with serving(whole, ADVISOR_DATABASE_URL=url) as server:
        before = ask(server.address, SHADOW).json()
        assert write_status(server.address, "before").status_code == 201
        with stopped(postgres_url):
            answer = ask(server.address, SHADOW)
            assert answer.status_code == 200
            assert WEEKS in answer.text
            notices = " ".join(answer.json()["notices"])
            assert "register cannot be read" in notices
            assert "not kept" in notices
            streamed = httpx.post(
                f"{server.address}/api/v1/ask", json={"question": SHADOW}, headers={"Accept": "text/event-stream"}
            ).text
            assert WEEKS in streamed
            assert "event: done" in streamed
            follow_up = ask(server.address, SHADOW, conversation_id=before["conversation_id"])
            assert "said before is not known" in follow_up.text
            refused = write_status(server.address, "meanwhile")
            assert refused.status_code == 503
            assert refused.json()["remedy"]
            assert "Traceback" not in refused.text
            assert httpx.get(f"{server.address}/readyz").status_code == 200
        wait_until(lambda: write_status(server.address, "meanwhile").status_code == 201)
        assert ask(server.address, SHADOW).json()["notices"] == []
        assert write_status(server.address, "before").status_code == 201  # known by its key, not logged twice
    log = SqlRegisterLog(open_database(url))
    keys = [entry.key.partition(":")[2].partition("/")[0] for entry in log.read()]
    assert [keys.count(name) for name in ("before", "meanwhile")] == [1, 1]


@pytest.mark.fault("R15")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_migration_that_fails_changes_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, make_office: OfficeMaker
) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite"
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgres_url"), "failing")
    make_office(url).load_demo(LOCAL_CALLER, door="test")
    before = count_rows(url)
    folder = tmp_path / "migrations"
    shutil.copytree(database._MIGRATIONS, folder)
    (folder / "versions" / "0099_bad.py").write_text(
        f'from alembic import op\nimport sqlalchemy as sa\nrevision = "0099"\ndown_revision = "{database.HEAD}"\n'
        'def upgrade() -> None:\n    op.add_column("entry", sa.Column("note", sa.Text()))\n'
        '    op.execute("DELETE FROM entry")\n    op.execute("SELECT nonsense FROM nowhere")\n'
    )
    monkeypatch.setattr(database, "_MIGRATIONS", folder)
    monkeypatch.setattr(database, "HEAD", "0099")
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(url)
    monkeypatch.undo()
    assert count_rows(url) == before
    assert "note" not in {column["name"] for column in inspect(open_database(url)).get_columns("entry")}


@pytest.mark.fault("R7")
def test_a_full_disk_stops_writes_and_nothing_else(tight: Settings, indexed: Settings) -> None:
    shutil.copytree(indexed.generations_dir, tight.generations_dir)
    build_program(tight).load_demo(LOCAL_CALLER, door="test")
    acknowledged = []
    with serving(tight) as server:
        before = ask(server.address, SHADOW).json()
        assert write_status(server.address, "roomy").status_code == 201
        filler = fill(tight.data_dir)
        refused = None
        for number in range(400):  # what SQLite holds ready takes a few more
            said = write_status(server.address, f"tight-{number}")
            if said.status_code != 201:
                refused = said
                break
            acknowledged.append(f"tight-{number}")
        assert refused is not None
        assert refused.status_code == 503
        answer = ask(server.address, SHADOW)
        assert answer.status_code == 200
        assert answer.json()["blocks"] == before["blocks"]
        assert any("not kept" in notice for notice in answer.json()["notices"])
        assert "free" in run(tight, "ingest", "--rebuild").stderr
        assert "FAIL Disk" in run(tight, "doctor").stdout
        filler.unlink()
        assert write_status(server.address, "roomy again").status_code == 201
        assert ask(server.address, SHADOW).json()["notices"] == []
    log = SqlRegisterLog(open_database(tight.effective_database_url))
    keys = {entry.key.partition(":")[2].partition("/")[0] for entry in log.read()}
    assert keys >= {"roomy", "roomy again", *acknowledged}
    assert not build_ingest(tight.model_copy(update={"knowledge_base_dir": SMALL})).run(rebuild=True).unchanged


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, whole: Settings) -> Settings:
    """An installation with a program, a conversation, a key, an opinion and an audit log."""
    url = "" if request.param == "sqlite" else new_database(request.getfixturevalue("postgres_url"), "filled")
    settings = whole.model_copy(update={"database_url": url})
    build_program(settings).load_demo(LOCAL_CALLER, door="test")
    key = NewKey(name="intranet", expires_at=datetime.now(UTC) + timedelta(days=9))
    build_keys(settings).create(LOCAL_CALLER, key)
    advisor = build_advisor(settings)
    answer = advisor.ask(LOCAL_CALLER, SHADOW)
    advisor.record_feedback(LOCAL_CALLER, Feedback(answer_id=answer.id, helpful=False, reason="Too long"))
    return settings


@pytest.mark.fault("R16")
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_brings_everything_back(
    filled: Settings, target: str, tmp_path: Path, request: pytest.FixtureRequest, make_office: OfficeMaker
) -> None:
    server = "" if target == "sqlite" else request.getfixturevalue("postgres_url")
    url = new_database(server, "back") if server else ""
    archive, manifest = back_up(filled, tmp_path)
    assert find_last_backup(filled) == manifest.made_at
    assert archive.stat().st_mode & 0o077 == 0
    there = Settings(_env_file=None, data_dir=tmp_path / "new", database_url=url, knowledge_base_dir=tmp_path / "books")
    restored = restore(there, archive, tmp_path / "books")
    assert restored.differing == ()
    rows = count_rows(there.effective_database_url)
    assert rows.pop("audit") == manifest.rows["audit"] + 1  # the restore itself
    assert rows == {name: count for name, count in manifest.rows.items() if name != "audit"}
    assert sum(rows.values()) > 300
    assert SqlAuditLog(open_database(there.effective_database_url)).verify().problem == ""
    pages = [make_office(settings.effective_database_url).summarise(LOCAL_CALLER) for settings in (filled, there)]
    assert pages[0] == pages[1]
    entries = [SqlRegisterLog(open_database(s.effective_database_url)).read() for s in (filled, there)]
    assert entries[0] == entries[1]
    assert [key.name for key in build_keys(there).list_all()] == ["intranet"]
    both = {"data_dir": filled.data_dir, "database_url": there.effective_database_url}
    advisor = build_advisor(there.model_copy(update=both))
    (head,) = advisor.list_conversations(LOCAL_CALLER, 9)
    (turn,) = advisor.get_conversation(LOCAL_CALLER, head.id)
    assert advisor.replay(LOCAL_CALLER, turn.answer.id).reproduced
    change = RecordChange(kind=RecordKind.LESSON, fields={"initiative": INITIATIVE, "what_happened": "After the fire."})
    (entry,) = build_program(there).record(LOCAL_CALLER, [change], door="test")
    assert entry.number == entries[0][-1].number + 1  # numbers go on where they were
    with pytest.raises(ConflictError, match="not empty"):
        restore(there, archive)


@pytest.mark.fault("R16")
def test_from_an_empty_machine_to_answers_in_three_commands(own: Settings, tmp_path: Path) -> None:
    site = RecordChange(kind=RecordKind.SITE, create=True, fields={"name": "Aalen", "type": "factory"})
    build_program(own).record(LOCAL_CALLER, [site], door="test")
    assert run(own, "backup", str(tmp_path / "b.zip")).returncode == 0
    there = Settings(_env_file=None, data_dir=tmp_path / "new", knowledge_base_dir=tmp_path / "books")
    told = run(there, "restore", str(tmp_path / "b.zip"), "--playbooks", str(tmp_path / "books"))
    assert "Restored" in told.stdout, told.stderr
    (there.data_dir / "models").symlink_to(own.data_dir / "models")
    assert "Indexed 2 playbooks" in run(there, "ingest").stdout
    assert BREWING in run(there, "ask", COFFEE).stdout
    assert run(there, "export", str(tmp_path / "site.csv")).returncode == 0
    assert "Aalen" in (tmp_path / "site.csv").read_text()
    doctor = run(there, "doctor")
    assert doctor.returncode == 0, doctor.stdout


@pytest.mark.fault("R16")
def test_what_is_no_whole_backup_restores_nothing(filled: Settings, tmp_path: Path) -> None:
    archive, manifest = back_up(filled, tmp_path)
    there = Settings(_env_file=None, data_dir=tmp_path / "new")
    content = archive.read_bytes()
    cut, flipped, other = (tmp_path / name for name in ("cut.zip", "flipped.zip", "other.zip"))
    cut.write_bytes(content[: len(content) // 2])
    flipped.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    with zipfile.ZipFile(archive) as bundle, zipfile.ZipFile(other, "w") as changed:
        for name in bundle.namelist():
            part = bundle.read(name)
            changed.writestr(name, part.replace(b"Line 3", b"Line 4") if name == "tables/entry.jsonl" else part)
    for bad in (cut, flipped, other, tmp_path / "none.zip", Path(__file__)):
        with pytest.raises(InvalidInputError):
            restore(there, bad)
    assert sum(count_rows(there.effective_database_url).values() if there.data_dir.exists() else []) == 0
    with pytest.raises(InvalidInputError, match="there already"):
        back_up(filled, archive)
    assert manifest.rows["entry"] > 0


@pytest.mark.fault("R16")
def test_an_old_backup_comes_up_to_date(whole: Settings, tmp_path: Path) -> None:
    """A backup of an earlier version of the tables is filled in as it was, and then migrated."""
    build_program(whole).load_demo(LOCAL_CALLER, door="test")
    engine = open_database(whole.effective_database_url)
    database.migrate(engine, "0004")
    old = tmp_path / "old.zip"

    assert write_backup(engine, old, {}).revision == "0004"
    fresh = open_database(f"sqlite:///{tmp_path}/fresh.sqlite")
    read_backup(old, fresh)
    with fresh.connect() as connection:
        assert database.find_version(connection) == database.HEAD
    assert SqlRegisterLog(fresh).read() == SqlRegisterLog(engine).read()


@pytest.mark.fault("R16")
def test_writers_go_on_while_a_backup_is_taken(whole: Settings, tmp_path: Path) -> None:
    build_program(whole).load_demo(LOCAL_CALLER, door="test")
    with serving(whole) as server:
        taken = subprocess.Popen(
            [ADVISOR, "backup", str(tmp_path / "b.zip")], env=environment(whole), stdout=subprocess.PIPE
        )
        written = 0
        while taken.poll() is None:
            assert write_status(server.address, f"during-{written}").status_code == 201
            written += 1
        assert taken.returncode == 0
    there = Settings(_env_file=None, data_dir=tmp_path / "new")
    restore(there, tmp_path / "b.zip")
    assert SqlAuditLog(open_database(there.effective_database_url)).verify().problem == ""
    assert written > 0
