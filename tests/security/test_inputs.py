"""Names that lead elsewhere, inputs beyond all measure, and too many of them: refused at the door, every door."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from advisor.domain.knowledge import Collection
from tests.security.attacks import ask_fact, state_fact
from tests.security.conftest import DOORS, House

MARK = "Outside-of-every-collection-7431"
SHADOW = "How long should a shadow period be?"


@pytest.fixture(scope="module")
def house(make_house: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "outside.md").write_text(f"# Outside\n\n{MARK} {state_fact(1)}\n")
    (folder / "outside").mkdir()
    (folder / "outside" / "more.md").write_text(f"# Outside\n\n{MARK} {state_fact(2)}\n")
    notes = folder / "notes"
    notes.mkdir()
    (notes / "good.md").write_text(f"# Note\n\n{state_fact(3)}\n")
    (notes / "link.md").symlink_to("../outside.md")
    (notes / "chain.md").symlink_to("link.md")
    (notes / "absolute.md").symlink_to(folder / "outside.md")
    (notes / "linked").symlink_to(folder / "outside")
    (notes / "circle.md").symlink_to("circle.md")
    (notes / "passwd.txt").symlink_to("/etc/passwd")
    with make_house(folder, (Collection(name="notes", path=str(notes)),)) as made:
        yield made


def names_to(folder: Path) -> tuple[str, ...]:
    """Return names that would lead out of a folder, if anybody followed them."""
    target = folder / "outside.md"
    return (
        "../outside.md", "../../outside.md", "..%2foutside.md", "%2e%2e%2foutside.md", "%252e%252e%252foutside.md",
        "..\\outside.md", "..%5coutside.md", "....//outside.md", str(target), quote(str(target), safe=""), f"file://{target}",
        "/etc/passwd", "%2fetc%2fpasswd", "good.md%00.pdf", "good.md\x00", "..;/outside.md", "%c0%ae%c0%ae/outside.md",
        "\\\\server\\share\\outside.md", "CON", "~root", "$(cat /etc/passwd)", "..．/outside.md", "doc-1/../../../etc/passwd",
    )  # fmt: skip


ROUTES = (
    "/documents/{}", "/documents/{}/file", "/documents/{}/pages/1", "/playbooks/{}", "/api/v1/playbooks/{}", "/static/{}",
    "/api/v1/answers/{}", "/api/v1/answers/{}/receipt", "/api/v1/answers/{}/tasks", "/api/v1/conversations/{}",
    "/api/v1/conversations/{}/markdown", "/api/v1/records/{}", "/api/v1/records/site/{}", "/api/v1/records/site/{}/history",
    "/api/v1/export?kind={}", "/api/v1/report?format={}", "/api/v1/report?template={}", "/v1/models/{}", "/program/{}",
    "/api/v1/checklist?initiative={}", "/api/v1/gaps?initiative={}", "/api/v1/gap-summary?format={}",
)  # fmt: skip


@pytest.mark.owasp("LLM02", "ASVS V5")
@pytest.mark.parametrize("route", ROUTES)
def test_no_route_follows_a_name_out_of_its_folder(house: House, route: str) -> None:
    for name in names_to(house.settings.data_dir.parent):
        given = quote(name, safe="/%&=:$~;\\") if "{}" in route else name
        answer = house.web.get(route.format(given), headers=house.bearer(("board",)))
        assert answer.status_code < 500, name
        assert MARK not in answer.text
        assert "root:" not in answer.text


@pytest.mark.owasp("LLM02", "ASVS V5")
def test_no_tool_no_command_and_no_import_follows_one(house: House) -> None:
    commands = (("receipt",), ("replay",), ("conversations", "show"), ("history", "site"))
    for place, name in enumerate(names_to(house.settings.data_dir.parent)):
        told = house.call_tool("playbook", playbook_id=name)
        told += house.call_tool("ask", question=SHADOW, conversation_id=name)
        if "\x00" not in name:
            told += house.run_cli(*commands[place % len(commands)], "--", name)
        for method, path in (("POST", "/api/v1/import"), ("DELETE", f"/api/v1/conversations/{quote(name, safe='')}")):
            answer = house.web.request(method, path, params={"name": name}, content=b"x", headers=house.bearer())
            assert 400 <= answer.status_code < 500
            told += answer.text
        assert MARK not in told
        assert "root:" not in told


@pytest.mark.owasp("LLM02", "ASVS V5")
@pytest.mark.parametrize("door", DOORS)
def test_no_link_takes_a_file_into_the_index(house: House, door: str) -> None:
    assert state_fact(3) in house.ask(door, ask_fact(3))
    for number in (1, 2):
        assert MARK not in house.ask(door, f"{ask_fact(number)} {MARK}").replace(f"{ask_fact(number)} {MARK}", "")


HUGE = {
    "words": "shadow period " * 400_000,
    "one word": "x" * 5_000_000,
    "lines": "\n" * 300_000,
    "emoji": "\N{FACTORY}" * 200_000,
    "combining": "a" + "\u0301" * 200_000,
    "a little too long": "how long " * 450,
}


@pytest.mark.owasp("LLM10")
@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize("door", [door for door in DOORS if door not in {"slack", "cli"}])
def test_a_huge_question_is_refused_and_not_cut(house: House, door: str, size: str) -> None:
    told = house.ask(door, HUGE[size])
    assert any(sign in told for sign in ("characters", "bytes", "empty")), told[:300]
    assert "weeks" not in told
    assert len(told) < 5_000
    assert "weeks" in house.ask(door, SHADOW)


@pytest.mark.owasp("LLM10")
def test_a_huge_question_is_refused_in_slack_and_in_the_terminal(house: House) -> None:
    told = house.ask("slack", "shadow period " * 2_800)  # Slack itself takes no more than 40,000 characters
    assert "characters" in told
    assert "weeks" not in told
    assert "characters" in house.run_cli("ask", "--", "x" * 100_000)
    assert "weeks" in house.ask("slack", SHADOW)


@pytest.mark.owasp("LLM10")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/ask", b'{"question": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        ("/api/v1/ask", b'{"question": "x", "role": "' + b"e" * 900_000 + b'"}'),
        ("/api/v1/ask", b'{"question": "x", "conversation_id": "' + b"e" * 900_000 + b'"}'),
        ("/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": "x"}] * 20_000}).encode()),
        ("/v1/chat/completions", b'{"messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
        ("/api/v1/records", b'{"changes": [' + b'{"kind": "site", "fields": {}},' * 20_000 + b"{}]}"),
        ("/api/v1/feedback", b'{"answer_id": "' + b"e" * 900_000 + b'", "helpful": true}'),
        ("/api/v1/status/read", b'{"text": "' + b"at risk " * 100_000 + b'"}'),
        ("/api/v1/ask", b"\xff" * 900_000),
        ("/api/v1/ask", b'{"question": 1e999999}'),
        ("/api/v1/ask", b'{"question": ' + b"9" * 900_000 + b"}"),
    ],
)
def test_a_body_made_to_be_costly_is_refused(house: House, path: str, body: bytes) -> None:
    headers = house.bearer() | {"Content-Type": "application/json"}
    answer = house.web.post(path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert len(answer.content) < 20_000


@pytest.mark.owasp("LLM10")
def test_a_limit_lets_through_exactly_what_it_says(
    make_house: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    most, callers = 40, 3
    with make_house(tmp_path_factory.mktemp("limits"), rate_limit=f"{most}/hour") as house:
        headers = [{"Authorization": f"Bearer {house.make_key()}"} for _ in range(callers)]
        paths = ("/api/v1/me", "/v1/models", "/api/v1/gates", "/playbooks")

        def call(number: int) -> tuple[int, int]:
            who = number % callers
            path = paths[number // callers % len(paths)]
            return who, house.web.get(path, headers=headers[who]).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(call, range(callers * most * 2)))
    for who in range(callers):
        counts = {
            status: len(list(group)) for status, group in itertools.groupby(sorted(s for w, s in statuses if w == who))
        }
        assert counts == {200: most, 429: most}
