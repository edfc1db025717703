"""Every command that the documents tell people to type is run, or, where it needs a cluster, held to what it names.

The commands for containers and Kubernetes are held by tests/deployment/test_files.py.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advisor.settings import Settings
from integrations.cli.app import app
from tests.conftest import ROOT, missing, need_pango
from tests.integrations.conftest import ADVISOR, environment, serving

PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))
ELSEWHERE = ("docker ", "kubectl ", "umask ", "for ", "echo ", "done", "make ", "ADVISOR_DATA_DIR=")
"""Held by the tests of deployment, or below."""
NEEDS_TOKENS = {"advisor slack": 2, "advisor slack doctor": 1}
"""What these exit with where no workspace is set up."""
WHOLE = {"README.md", "executive.md", "operations.md"}
"""Pages whose text names whole commands too, not only what they are called."""
_CALLED = ("ask", "audit erase", "backup", "chat", "export", "mcp", "report", "restore", "serve")
NAMES = frozenset(f"advisor {name}" for name in _CALLED)
"""Commands that a text names without saying how to call them."""
ARCHIVE = "backups/advisor-20261130-021500.zip"


def list_blocks(page: Path) -> list[str]:
    """Return the commands of a page's shell blocks, continued lines joined, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    stripped = (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in lines)
    return [line for line in stripped if line]


def list_inline(page: Path) -> list[str]:
    """Return the whole commands of ours that a page's text names: without a place to fill in."""
    found = re.findall(r"`(advisor [^`]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.S))
    return [command for command in found if not re.search(r"[A-Z]{3}|\.\.\.|\|", command)]


@pytest.mark.slow
def test_the_commands_of_the_documents_do_what_they_say(indexed: Settings, tmp_path: Path) -> None:
    need_pango()
    (tmp_path / "data").mkdir()
    for name in ("models", "generations"):
        (tmp_path / "data" / name).symlink_to(indexed.data_dir / name)
    settings = indexed.model_copy(update={"data_dir": tmp_path / "data"})
    env = environment(settings)
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
    commands = ["advisor demo"]
    commands += dict.fromkeys(
        command
        for page in pages
        for command in (*list_blocks(page), *(list_inline(page) if page.name in WHOLE else ()))
        if not command.startswith((*ELSEWHERE, "advisor serve")) and command not in NAMES
    )
    assert len(commands) >= 15
    done: list[str] = []
    for command in commands:
        if command.startswith("curl "):
            continue  # below, with a server
        words = shlex.split(command)
        program = {"advisor": [ADVISOR], "python": [sys.executable]}.get(words[0])
        assert program is not None, f"nobody runs this: {command}"
        more = {}
        if words[1] == "restore":
            next((tmp_path / "backups").glob("*.zip")).rename(tmp_path / ARCHIVE)
            more = {"ADVISOR_DATABASE_URL": f"sqlite:///{tmp_path}/restored.sqlite"}
        ran = subprocess.run(
            [*program, *words[1:]], cwd=ROOT if words[0] == "python" else tmp_path, env=env | more,
            capture_output=True, text=True, check=False, input="",
        )  # fmt: skip
        assert ran.returncode == NEEDS_TOKENS.get(command, 0), f"{command}: {ran.stdout[-500:]}{ran.stderr[-500:]}"
        done.append(command)
    assert (tmp_path / "slack-demo.html").exists()
    assert (tmp_path / "restored" / "kpis.md").exists()
    calls = [command for page in pages for command in list_blocks(page) if command.startswith("curl ")]
    if shutil.which("curl") is None:
        missing("curl")
    with serving(settings) as server:
        for call in calls:
            line = call.replace("http://127.0.0.1:8000", server.address)
            ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
            assert '"outcome":"answered"' in ran.stdout


def test_make_words_of_the_documents_can_be_made() -> None:
    for page in PAGES:
        for command in [*list_blocks(page), *re.findall(r"`(make [^`]+)`", page.read_text())]:
            words = shlex.split(command)
            if words[0] == "make" and re.fullmatch(r"[a-z]+", words[1]):
                assert (
                    subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, check=False).returncode
                    == 0
                )


def test_options_that_the_documents_name_exist() -> None:
    runner = CliRunner(env={"COLUMNS": "200", **os.environ})
    for page in PAGES:
        for command in re.findall(r"`(advisor [a-z-]+[^`]*)`", page.read_text()):
            words = command.split()[1:]
            options = [word.strip("[],.").split("=")[0] for word in words if word.startswith("--")]
            path = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
            helped = runner.invoke(app, [*path[:2], "--help"])
            if helped.exit_code:
                helped = runner.invoke(app, [*path[:1], "--help"])
            assert helped.exit_code == 0, f"{page.name}: {command}"
            for option in options:
                assert option in helped.stdout, f"{page.name}: {command}"
