from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from advisor.errors import InvalidInputError, StorageError
from advisor.storage import database
from advisor.storage.database import HEAD, open_database
from advisor.storage.schema import Base


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_give_the_tables_that_the_code_expects(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/t.sqlite" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with open_database(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


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


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError):
        open_database(f"sqlite:///{tmp_path}/t.sqlite")
