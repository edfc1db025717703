"""What the documentation says is checked against what there is."""

from __future__ import annotations

import re
import subprocess

import yaml

from advisor.settings import Settings
from integrations.cli.app import app
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
DOCS = {file.name: file.read_text() for file in sorted((ROOT / "docs").glob("*.md"))}
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_table_of_settings_is_complete_and_right() -> None:
    rows = dict(re.findall(r"^\| `(ADVISOR_\w+)` \|.*\| (.+?) \|$", DOCS["settings.md"], re.M))
    fields = {f"ADVISOR_{name.upper()}": field.description for name, field in Settings.model_fields.items()}
    assert rows == fields


def test_the_example_environment_names_every_setting_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text()
    named = dict(re.findall(r"^(?:# )?(ADVISOR_\w+)=(.*)$", example, re.M))
    assert set(named) == {f"ADVISOR_{name.upper()}" for name in Settings.model_fields}
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)
    for field in Settings.model_fields.values():
        assert str(field.description).rstrip(".") in example.replace("; unset, the project's own", "")


def test_every_make_word_in_the_documents_exists() -> None:
    others = (ROOT / "CONTRIBUTING.md", ROOT / ".ci" / "run")
    documents = README + "".join(DOCS.values()) + "".join(file.read_text() for file in others)
    used = set(re.findall(r"`?make ([a-z]+)", documents)) - {"a"}
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
    assert used <= targets
    assert {"install", "check", "fix", "test", "evals", "serve", "ask", "help"} <= targets


def test_every_command_of_the_cli_stands_in_the_documents() -> None:
    commands = {
        command.name or str(command.callback.__name__) for command in app.registered_commands if command.callback
    }
    commands |= {str(group.name) for group in app.registered_groups}
    named = {
        name
        for line in re.findall(r"^\| (`advisor .*?) \|", DOCS["commands.md"], re.M)
        for name in re.findall(r"`advisor ([\w-]+)", line)
    }
    assert commands == named


def test_help_lists_the_words() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"make ([a-z]+)", done.stdout)) >= {"serve", "test", "evals"}


def test_pre_commit_calls_words_of_the_makefile() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    for hook in config["repos"][0]["hooks"]:
        assert re.search(rf"^{hook['entry'].removeprefix('make ')}:", MAKEFILE, re.M)


def test_every_room_has_its_line_in_contributing() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    rooms = {path.name for path in (ROOT / "advisor").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert all(f"advisor/{room}" in contributing for room in rooms)


def test_prompts_use_the_inputs_that_they_name() -> None:
    for file in (ROOT / "prompts").glob("*.md"):
        raw = file.read_text()
        if raw.startswith("---"):
            _, front, body = raw.split("---", 2)
            assert set(yaml.safe_load(front)["inputs"]) == set(re.findall(r"\{(\w+)\}", body)), file.name


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
            file, _, anchor = target.partition("#")
            there = (page.parent / file).resolve() if file else page
            assert there.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", there.read_text(), re.M)
                slugs = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name}: {target}"


def test_every_row_of_the_fault_matrix_names_files_whose_tests_carry_it() -> None:
    rows = re.findall(r"^\| (R\d+) \|.*\| ([^|]+) \|$", DOCS["operations.md"], re.M)
    assert [row for row, _ in rows] == [f"R{number}" for number in range(1, 18)]
    marked: dict[str, set[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for row in re.findall(r'^@pytest\.mark\.fault\("(R\d+)"\)$', file.read_text(), re.M):
            marked.setdefault(row, set()).add(file.name)
    assert {row: set(re.findall(r"`(test_\w+\.py)`", files)) for row, files in rows} == marked
