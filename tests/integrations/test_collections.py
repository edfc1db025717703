"""Documents on the command line: added, listed, asked about, removed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from advisor.settings import Settings
from tests.integrations.conftest import ADVISOR, environment


@pytest.fixture
def env(indexed: Settings, tmp_path: Path) -> dict[str, str]:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("models", "generations"):
        (data / name).symlink_to(indexed.data_dir / name)
    return environment(indexed.model_copy(update={"data_dir": data}))


def run(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ADVISOR, *arguments], env=env, capture_output=True, text=True, check=False)


def test_a_folder_becomes_answers_and_goes_again(env: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "alarms.md").write_text(
        "# Alarm policy\n\nEvery gearbox alarm is answered within ten minutes by the shift lead.\n"
    )
    (folder / "old.xls").write_bytes(b"x")
    assert "no collections" in run(env, "collections").stdout
    added = run(env, "ingest", str(folder), "--label", "board", "--tier", "reviewed")
    assert "1 indexed" in added.stdout, added.stderr
    assert "policies/old.xls: unsupported format" in added.stdout
    listed = run(env, "collections").stdout
    assert "policies" in listed
    assert "reviewed" in listed
    answer = run(env, "ask", "How fast is a gearbox alarm answered?").stdout
    assert "Your documents say" in answer
    assert "Alarm policy (policies)" in answer
    assert "1 documents" in run(env, "doctor").stdout
    assert "1 removed" in run(env, "collections", "remove", "policies").stdout
    assert "Your documents say" not in run(env, "ask", "How fast is a gearbox alarm answered?").stdout
    told = b"answered within ten minutes by the shift lead"
    files = [file for file in (tmp_path / "data").rglob("*") if file.is_file() and not file.is_symlink()]
    assert not [file for file in files if told in file.read_bytes()]


def test_what_is_no_folder_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    assert run(env, "ingest", str(tmp_path / "nothing")).returncode == 2
    assert run(env, "collections", "remove", "nothing").returncode == 2


def test_what_is_not_said_anew_stays(env: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "merger.md").write_text("# Merger\n\nThe merger closes in March, the board has decided.\n")
    run(env, "ingest", str(folder), "--label", "board", "--tier", "reviewed")
    run(env, "ingest", str(folder))
    listed = run(env, "collections").stdout
    assert "board" in listed
    assert "reviewed" in listed
    (tmp_path / "other" / "papers").mkdir(parents=True)
    refused = run(env, "ingest", str(tmp_path / "other" / "papers"), "--label", "ot")
    assert refused.returncode == 2
    assert "of another folder" in refused.stderr
    opened = run(env, "ingest", str(folder), "--label", "").stdout
    assert "board → everyone" in opened
