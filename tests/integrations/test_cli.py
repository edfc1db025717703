from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import filelock
import pytest

from advisor.bootstrap import prepare_index
from advisor.errors import IndexUnavailableError
from advisor.settings import Settings
from tests.integrations.conftest import ADVISOR, environment


def run(
    settings: Settings, *arguments: str, text: str | None = None, binary: bytes | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    given = binary if binary is not None else (text.encode() if text is not None else None)
    done = subprocess.run(
        [ADVISOR, *arguments],
        env=environment(settings, **more),
        input=given,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def quiet(indexed: Settings, tmp_path) -> Settings:  # type: ignore[no-untyped-def]
    """The indexed settings; conversations go elsewhere."""
    os.environ["ADVISOR_DATABASE_URL"] = f"sqlite:///{tmp_path}/cli.sqlite"
    return indexed


def test_ask_prints_answer_and_sources(quiet: Settings) -> None:
    done = run(quiet, "ask", "How long should a shadow period be?")
    assert done.returncode == 0
    assert "six weeks" in done.stdout
    assert "Sources" in done.stdout
    assert "no origin" in done.stdout
    assert done.stderr == ""


def test_ask_prints_json(quiet: Settings) -> None:
    done = run(quiet, "ask", "--json", "--role", "plant_manager", "How long should a shadow period be?")
    answer = json.loads(done.stdout)
    assert (answer["outcome"], answer["role"]) == ("answered", "plant_manager")


def test_chat_keeps_the_conversation(quiet: Settings) -> None:
    done = run(quiet, "chat", text="What are the stages of a factory rollout?\nand the second one?\n\n")
    assert done.returncode == 0
    assert "Single-shift shadow" in done.stdout.split("Sources")[1]


def test_chat_goes_on_after_bad_input(quiet: Settings) -> None:
    done = run(quiet, "chat", text=f"{'x' * 4001}\nhello\n")
    assert "4,001 characters" in done.stderr
    assert "Hello." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "binary", "message"),
    [
        (("ask", ""), None, "The question is empty."),
        (("ask", "x" * 4001), None, "4,001 characters"),
        (("ask", "-"), b"\xff\xfe\x00\x80binary", "not text"),
        (("ask", "-"), b"a\x00b", "not text"),
        (("ask", "--role", "king", "why do pilots fail"), None, 'no role "king"'),
        (("serve", "--port", "99999"), None, "--port"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_exit_code_2(
    quiet: Settings, arguments: tuple[str, ...], binary: bytes | None, message: str
) -> None:
    done = run(quiet, *arguments, binary=binary)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(quiet: Settings) -> None:
    done = run(quiet, "ask", "hello", ADVISOR_PORT="many")
    assert done.returncode == 2
    assert "ADVISOR_PORT" in done.stderr


@pytest.mark.slow
def test_ingest_then_ask_then_doctor_from_nothing(small: Settings) -> None:
    os.environ.pop("ADVISOR_DATABASE_URL", None)
    before = run(small, "ask", "How long should coffee brew?")
    assert (before.returncode, "advisor ingest" in before.stderr) == (1, True)
    assert "FAIL Index" in run(small, "doctor").stdout
    first = run(small, "ingest")
    assert "Indexed 2 playbooks" in first.stdout
    assert "Nothing changed" in run(small, "ingest").stdout
    assert "four minutes" in run(small, "ask", "How long should coffee brew?").stdout
    doctor = run(small, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    (small.knowledge_base_dir / "tea.md").write_text("broken")
    broken = run(small, "ingest")
    assert (broken.returncode, "tea.md, line 1" in broken.stderr) == (1, True)
    assert "four minutes" in run(small, "ask", "How long should coffee brew?").stdout
    unwell = run(small, "doctor")
    assert (unwell.returncode, "FAIL Playbooks" in unwell.stdout) == (1, True)


@pytest.mark.slow
def test_a_tampered_model_is_refused(small: Settings) -> None:
    run(small, "ingest")
    weights = small.model_dir / "model.onnx.data"
    content = bytearray(weights.read_bytes())
    content[1000:1010] = b"0123456789"
    weights.unlink()  # it is a link to the shared one
    weights.write_bytes(content)
    done = run(small, "ask", "How long should coffee brew?")
    assert (done.returncode, "changed" in done.stderr) == (1, True)
    assert "FAIL Embedding model" in run(small, "doctor").stdout


def test_a_data_directory_that_cannot_be_written_is_told(indexed: Settings) -> None:
    done = run(indexed.model_copy(update={"data_dir": "/proc/nowhere"}), "ingest")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "ADVISOR_DATA_DIR" in done.stderr


def test_a_port_in_use_is_told_at_once(quiet: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(quiet, "serve", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use." in done.stderr


def test_a_second_ingest_is_refused_while_one_runs(small: Settings) -> None:
    small.generations_dir.mkdir(parents=True)
    with filelock.FileLock(small.generations_dir / ".lock"):
        done = run(small, "ingest")
    assert (done.returncode, "Another ingest is running" in done.stderr) == (1, True)


def test_a_door_opens_on_the_old_index_while_an_ingest_runs(small: Settings) -> None:
    run(small, "ingest")
    with filelock.FileLock(small.generations_dir / ".lock"):
        report = prepare_index(small)
        assert report is not None
        assert report.unchanged  # which takes no lock to see
        (small.knowledge_base_dir / "tea.md").unlink()
        (small.knowledge_base_dir / "tea.yaml").unlink()
        assert prepare_index(small) is None
    empty = small.model_copy(update={"data_dir": small.data_dir / "none"})
    empty.generations_dir.mkdir(parents=True)
    shutil.copytree(small.model_dir, empty.model_dir, copy_function=os.link)
    with filelock.FileLock(empty.generations_dir / ".lock"), pytest.raises(IndexUnavailableError):
        prepare_index(empty)


@pytest.mark.slow
def test_an_interrupted_ingest_loses_nothing(small: Settings) -> None:
    run(small, "ingest")
    process = subprocess.Popen(
        [ADVISOR, "ingest", "--rebuild"], env=environment(small), stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    while not list(small.generations_dir.glob("draft-*")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in {0, 130}, errors
    assert "four minutes" in run(small, "ask", "How long should coffee brew?").stdout


def test_help_and_import_open_no_heavy_vendor() -> None:
    heavy = "{'chromadb', 'torch', 'onnxruntime', 'sqlalchemy', 'fastapi', 'transformers', 'langchain', 'numpy'}"
    script = f"import sys, advisor, integrations.cli, advisor.bootstrap; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
