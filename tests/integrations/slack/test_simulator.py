"""The simulator of Slack, against slack_sdk's client and models, a tiny Bolt app, and the published limits."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.models import blocks as models
from slack_sdk.models.views import View
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from integrations.slack.simulator import Fault, Simulator


class Clock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True, scope="module")
def _own_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        patch.setenv("SKIP_SLACK_SDK_WARNING", "true")
        yield


def furnished(clock: Clock | None = None) -> Simulator:
    sim = Simulator(clock or Clock())
    sim.add_user("U1", "Ann Lee", "ann@example.com")
    sim.add_user("U2", "Bob", "bob@example.com")
    sim.add_user("UG", "Gil", kind="guest")
    sim.add_user("US", "Sam", kind="stranger")
    sim.add_channel("C1", "operations", ["U1", "U2"])
    sim.add_channel("C2", "without-bot", ["U1"], bot=False)
    sim.add_channel("G1", "secret", ["U1"], private=True, bot=False)
    sim.add_channel("CX", "shared", ["U1", "US"], shared=True)
    return sim


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> Iterator[Simulator]:
    with furnished(clock) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def still() -> Iterator[Simulator]:
    """A simulator for tests that only look whether a call is refused."""
    with furnished() as simulator:
        yield simulator


def client_of(sim: Simulator, **given: Any) -> WebClient:
    return WebClient("xoxb-sim", base_url=sim.base_url, **given)


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return str(caught.value.response["error"])


def until(check: Any, seconds: float = 3.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.01)
    assert found
    return found


@contextlib.contextmanager
def served(asgi: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(asgi, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/slack"
    server.should_exit = True
    thread.join(5)


@contextlib.contextmanager
def listening(sim: Simulator, answers: list[int] | None = None) -> Iterator[list[tuple[dict[str, str], bytes]]]:
    """An endpoint that records what it gets and answers with these statuses, then with 200."""
    got: list[tuple[dict[str, str], bytes]] = []
    left = list(answers or [])

    async def take(request: Request) -> Response:
        got.append((dict(request.headers), await request.body()))
        status = left.pop(0) if left else 200
        return Response(status_code=abs(status), headers={"X-Slack-No-Retry": "1"} if status < 0 else {})

    with served(Starlette(routes=[Route("/slack", take, methods=["POST"])])) as url:
        sim.events_url = url
        yield got


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(**given: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": plain("Go")} | given


def actions(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "elements": list(elements)}]


def feedback(**given: Any) -> list[dict[str, Any]]:
    side = {"text": plain("Good"), "value": "good"}
    buttons = {"type": "feedback_buttons", "action_id": "fb", "positive_button": side, "negative_button": side | given}
    return [{"type": "context_actions", "elements": [buttons]}]


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def table(rows: int, columns: int) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def select(count: int, text: str = "x") -> dict[str, Any]:
    options = [{"text": plain(text), "value": f"v{index}"} for index in range(count)]
    return {"type": "static_select", "action_id": "pick", "options": options}


def field(**given: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "name"} | given
    return {"type": "input", "block_id": "name", "label": plain("Name"), "element": element}


def modal(**given: Any) -> dict[str, Any]:
    base = {"type": "modal", "callback_id": "form", "title": plain("Form"), "submit": plain("Send")}
    return base | {"blocks": [field()]} | given


# --- Web API ---------------------------------------------------------------------------------------------------------


def test_who_am_i(sim: Simulator) -> None:
    answer = client_of(sim).auth_test()
    assert (answer["user_id"], answer["team_id"]) == (sim.bot_user_id, "T1")
    assert client_of(sim).bots_info(bot=answer["bot_id"])["bot"]["app_id"] == "A1"
    assert client_of(sim).team_info()["team"]["id"] == "T1"


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        (None, "auth.test", "not_authed"),
        ("xoxb-other", "auth.test", "invalid_auth"),
        ("xapp-sim", "auth.test", "not_allowed_token_type"),
        ("xoxb-sim", "apps.connections.open", "not_allowed_token_type"),
        ("xoxb-sim", "chat.shout", "unknown_method"),
    ],
)
def test_tokens_and_methods(still: Simulator, token: str | None, method: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(still.base_url + method, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["ok"], answer.json()["error"]) == (200, False, error)


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat_postMessage", {"channel": "C9", "text": "x"}, "channel_not_found"),
        ("chat_postMessage", {"channel": "G1", "text": "x"}, "channel_not_found"),
        ("chat_postMessage", {"channel": "C2", "text": "x"}, "not_in_channel"),
        ("chat_postMessage", {"channel": "C1", "text": ""}, "no_text"),
        ("chat_postMessage", {"channel": "C1", "text": "x" * 40_001}, "msg_too_long"),
        ("chat_postMessage", {"channel": "C1", "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat_postEphemeral", {"channel": "C1", "text": "x", "user": "UG"}, "user_not_in_channel"),
        ("chat_update", {"channel": "C1", "ts": "1.2", "text": "x"}, "message_not_found"),
        ("conversations_replies", {"channel": "C1", "ts": "1.2"}, "thread_not_found"),
        ("users_info", {"user": "U9"}, "user_not_found"),
        ("users_lookupByEmail", {"email": "no@example.com"}, "users_not_found"),
        ("usergroups_users_list", {"usergroup": "S9"}, "no_such_subteam"),
        ("views_open", {"trigger_id": "no", "view": modal()}, "invalid_trigger_id"),
        ("views_update", {"view_id": "no", "view": modal()}, "not_found"),
    ],
)
def test_refuses(still: Simulator, method: str, arguments: dict[str, Any], error: str) -> None:
    assert refused(getattr(client_of(still), method), **arguments) == error


def test_post_update_delete(sim: Simulator) -> None:
    client = client_of(sim)
    blocks = [section("*one*")]
    metadata = {"event_type": "answer", "event_payload": {"id": "7"}}
    ts = client.chat_postMessage(channel="C1", text="one", blocks=blocks, metadata=metadata)["ts"]
    client.chat_update(channel="C1", ts=ts, blocks=[section("two")])
    (message,) = sim.messages("C1")
    assert (message.text, message.blocks[0]["text"]["text"], message.edited) == ("one", "two", False)
    client.chat_update(channel="C1", ts=ts, text="three")
    (message,) = sim.messages("C1")
    assert (message.text, message.blocks, message.edited, message.metadata) == ("three", [], True, metadata)
    link = client.chat_getPermalink(channel="C1", message_ts=ts)["permalink"]
    assert link.endswith(ts.replace(".", ""))
    client.reactions_add(channel="C1", timestamp=ts, name="eyes")
    assert sim.messages("C1")[0].reactions == {"eyes": ["UBOT"]}
    client.reactions_remove(channel="C1", timestamp=ts, name="eyes")
    client.chat_delete(channel="C1", ts=ts)
    assert sim.messages("C1") == []
    theirs = sim.say("U1", "C1", "mine")
    assert refused(client.chat_update, channel="C1", ts=theirs, text="x") == "cant_update_message"


def test_replies_and_history_with_pages_and_metadata(sim: Simulator) -> None:
    client = client_of(sim)
    root = sim.say("U1", "C1", "root")
    metadata = {"event_type": "answer", "event_payload": {"id": "7"}}
    for index in range(4):
        client.chat_postMessage(channel="C1", text=str(index), thread_ts=root, metadata=metadata)
    client.chat_postMessage(channel="C1", text="other")
    first = client.conversations_replies(channel="C1", ts=root, limit=3, include_all_metadata=True)
    assert [m["text"] for m in first["messages"]] == ["root", "0", "1"]
    assert first["messages"][0]["reply_count"] == 4
    assert first["messages"][1]["metadata"] == metadata
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_replies(channel="C1", ts=root, limit=3, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["2", "3"]
    assert not second["has_more"]
    assert "metadata" not in second["messages"][0]
    assert [m["text"] for m in client.conversations_history(channel="C1")["messages"]] == ["other", "root"]
    newer = client.conversations_history(channel="C1", oldest=root, inclusive=False)
    assert [m["text"] for m in newer["messages"]] == ["other"]


def test_people_and_places(sim: Simulator) -> None:
    client = client_of(sim)
    sim.add_usergroup("S1", "leads", ["U1"])
    assert client.users_info(user="UG")["user"]["is_restricted"]
    stranger = client.users_info(user="US")["user"]
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T2")
    assert client.users_lookupByEmail(email="ANN@example.com")["user"]["id"] == "U1"
    assert client.conversations_info(channel="CX")["channel"]["is_ext_shared"]
    assert {c["id"] for c in client.conversations_list()["channels"]} == {"C1", "C2", "CX"}
    opened = client.conversations_open(users=["U1"], return_im=True)["channel"]
    assert (opened["id"], opened["user"]) == (sim.dm("U1"), "U1")
    page = client.conversations_members(channel="C1", limit=2)
    rest = client.conversations_members(channel="C1", cursor=page["response_metadata"]["next_cursor"])
    assert page["members"] + rest["members"] == ["U1", "U2", "UBOT"]
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == ["U1"]
    assert client.usergroups_users_list(usergroup="S1")["users"] == ["U1"]
    assert len(client.users_list()["members"]) == 5


def test_form_bodies_and_unknown_arguments(sim: Simulator) -> None:
    form = {"channel": "C1", "blocks": json.dumps([section("x")]), "colour": "red", "token": "xoxb-sim"}
    assert httpx.post(sim.base_url + "chat.postMessage", data=form, trust_env=False).json()["ok"]
    assert sim.warnings[0] == "chat.postMessage: unknown arguments colour"
    assert "without text" in sim.warnings[1]
    assert sim.calls[0].arguments["blocks"] == [section("x")]
    assert sim.call_count("chat.postMessage") == 1


def test_agent_methods(sim: Simulator) -> None:
    client, dm = client_of(sim), sim.dm("U1")
    ts = sim.say("U1", "C1", "hello")
    client.assistant_threads_setStatus(channel_id="C1", thread_ts=ts, status="thinking", loading_messages=["a"])
    assert (sim.status("C1", ts) or {})["status"] == "thinking"
    client.chat_postMessage(channel="C1", thread_ts=ts, text="done")
    assert sim.status("C1", ts) is None
    client.agents_sessions_setStatus(channel_id="C1", thread_ts=ts, status="processing", title="Gaps")
    client.agents_sessions_rename(channel_id="C1", thread_ts=ts, title="Gates")
    assert sim.session("C1", ts) == {"status": "processing", "title": "Gates"}
    prompts = [{"title": "A", "message": "a"}]
    client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=prompts)
    assert (sim.prompts(dm) or {})["prompts"] == prompts
    too_many = {"channel_id": dm, "prompts": prompts * 5}
    assert refused(client.assistant_threads_setSuggestedPrompts, **too_many) == "invalid_arguments"
    bad = {"channel_id": "C1", "thread_ts": ts, "status": "busy"}
    assert refused(client.agents_sessions_setStatus, **bad) == "invalid_arguments"


# --- Limits ----------------------------------------------------------------------------------------------------------

BROKEN_MESSAGES: dict[str, list[dict[str, Any]]] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "section of 3001": [section("x" * 3001)],
    "empty section": [section("")],
    "11 fields": [{"type": "section", "fields": [plain("x")] * 11}],
    "header of 151": [{"type": "header", "text": plain("x" * 151)}],
    "header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "context of 11": [{"type": "context", "elements": [plain("x")] * 11}],
    "26 actions": actions(*(button(action_id=f"a{i}") for i in range(26))),
    "no actions": actions(),
    "button text of 76": actions(button(text=plain("x" * 76))),
    "button value of 2001": actions(button(value="x" * 2001)),
    "action_id of 256": actions(button(action_id="x" * 256)),
    "same action_id": actions(button(), button()),
    "block_id of 256": [{"type": "divider", "block_id": "x" * 256}],
    "same block_id": [{"type": "divider", "block_id": "x"}] * 2,
    "markdown of 12001": [{"type": "markdown", "text": "x" * 12_001}],
    "markdown of 12001 in two": [{"type": "markdown", "text": "x" * 6000}, {"type": "markdown", "text": "x" * 6001}],
    "101 rows": [table(101, 1)],
    "21 columns": [table(1, 21)],
    "two tables": [table(1, 1)] * 2,
    "option text of 76": actions(select(1, "x" * 76)),
    "101 options": actions(select(101)),
    "wrong initial option": actions(select(1) | {"initial_option": {"text": plain("y"), "value": "y"}}),
    "wrong date": actions({"type": "datepicker", "action_id": "d", "initial_date": "1.2.2026"}),
    "six context actions": [{"type": "context_actions", "elements": feedback()[0]["elements"] * 6}],
    "feedback text of 76": feedback(text=plain("x" * 76)),
    "feedback value of 2001": feedback(value="x" * 2001),
    "feedback among actions": actions(feedback()[0]["elements"][0]),
    "button in context actions": [{"type": "context_actions", "elements": [button()]}],
    "alert in a message": [{"type": "alert", "text": plain("x")}],
    "unknown block": [{"type": "hologram"}],
    "unknown element": actions({"type": "lever"}),
    "text input among actions": actions({"type": "plain_text_input"}),
}
BROKEN_VIEWS: dict[str, dict[str, Any]] = {
    "101 blocks": {"blocks": [{"type": "divider"}] * 101},
    "title of 25": {"title": plain("x" * 25)},
    "submit of 25": {"submit": plain("x" * 25)},
    "close of 25": {"close": plain("x" * 25)},
    "private_metadata of 3001": {"private_metadata": "x" * 3001},
    "callback_id of 256": {"callback_id": "x" * 256},
    "inputs without submit": {"submit": None},
    "initial value of 3001": {"blocks": [field(initial_value="x" * 3001)]},
    "max_length of 3001": {"blocks": [field(max_length=3001)]},
    "markdown in a modal": {"blocks": [{"type": "markdown", "text": "x"}]},
    "table in a modal": {"blocks": [table(1, 1)]},
    "feedback in a modal": {"blocks": feedback()},
}


@pytest.mark.parametrize("name", BROKEN_MESSAGES)
def test_broken_messages_are_refused(still: Simulator, name: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        client_of(still).chat_postMessage(channel="C1", text="x", blocks=BROKEN_MESSAGES[name])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "json-pointer:/blocks" in caught.value.response["response_metadata"]["messages"][0]


@pytest.mark.parametrize("name", BROKEN_VIEWS)
def test_broken_views_are_refused(still: Simulator, name: str) -> None:
    arguments = {"trigger_id": "none", "view": modal(**BROKEN_VIEWS[name])}
    assert refused(client_of(still).views_open, **arguments) == "invalid_arguments"


def test_too_much_text_in_all_blocks(still: Simulator) -> None:
    blocks = [section("x" * 2900)] * 5
    assert refused(client_of(still).chat_postMessage, channel="C1", text="x", blocks=blocks) == "msg_blocks_too_long"


def test_the_largest_allowed_message(still: Simulator) -> None:
    many = [button(action_id=f"a{i}", text=plain("x" * 75), value="x" * 2000) for i in range(25)]
    blocks = [{"type": "header", "text": plain("x" * 150)}, section("x" * 3000), *actions(*many), table(100, 20)]
    client_of(still).chat_postMessage(channel="C1", text="x" * 40_000, blocks=blocks)
    client_of(still).chat_postMessage(channel="C1", text="x", blocks=[{"type": "divider"}] * 50)
    client_of(still).chat_postMessage(channel="C1", text="x", blocks=[{"type": "markdown", "text": "x" * 12_000}])


def test_models_of_the_sdk_are_accepted(sim: Simulator) -> None:
    option = models.Option(text="One", value="1")
    side = models.FeedbackButtonObject(text="Good", value="good")
    buttons = models.FeedbackButtonsElement(action_id="fb", positive_button=side, negative_button=side)
    picks = [
        models.ButtonElement(text="Go", action_id="go", value="1", style="primary"),
        models.StaticSelectElement(action_id="pick", placeholder="Pick", options=[option], initial_option=option),
        models.DatePickerElement(action_id="date", initial_date="2026-11-21"),
        models.CheckboxesElement(action_id="tick", options=[option]),
        models.OverflowMenuElement(action_id="more", options=[option, option]),
    ]
    given: list[models.Block] = [
        models.HeaderBlock(text="Header"),
        models.SectionBlock(text="*bold*", fields=["a", "b"], accessory=picks[0]),
        models.DividerBlock(),
        models.ContextBlock(elements=[models.MarkdownTextObject(text="note")]),
        models.ActionsBlock(elements=picks),
        models.ContextActionsBlock(elements=[buttons]),
        models.MarkdownBlock(text="**bold**"),
        models.TableBlock(rows=[[models.RawTextObject(text="a"), models.RawTextObject(text="b")]]),
        models.ImageBlock(image_url="https://example.com/x.png", alt_text="x"),
    ]
    ts = client_of(sim).chat_postMessage(channel="C1", text="x", blocks=given)["ts"]
    assert [b["type"] for b in sim.messages("C1")[0].blocks] == [block.type for block in given]
    sim.events_url = "http://127.0.0.1:9/slack"
    sim.click("U1", "C1", ts, "tick", selected=["1"])
    assert "block_actions was not acknowledged" in sim.warnings[-1]
    inputs = [
        models.InputBlock(label="A", element=models.PlainTextInputElement(action_id="a", multiline=True)),
        models.InputBlock(label="B", element=models.NumberInputElement(action_id="b", is_decimal_allowed=True)),
        models.InputBlock(label="C", element=models.RadioButtonsElement(action_id="c", options=[option])),
        models.InputBlock(label="D", element=models.UserSelectElement(action_id="d"), optional=True),
        models.AlertBlock(text="Careful", level="warning"),
    ]
    trigger = sim.world.new_trigger("U1")
    client_of(sim).views_open(trigger_id=trigger, view=View(type="modal", title="T", submit="OK", blocks=inputs))
    assert (sim.view_of("U1") or {})["title"]["text"] == "T"


# --- Streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_from_start_to_stop(sim: Simulator) -> None:
    root = sim.say("U1", "C1", "question")
    stream = client_of(sim).chat_stream(
        channel="C1", thread_ts=root, recipient_team_id="T1", recipient_user_id="U1", buffer_size=1
    )
    task = {"type": "task_update", "id": "1", "title": "Search", "status": "in_progress"}
    stream.append(markdown_text="one ", chunks=[task])
    stream.append(markdown_text="two", chunks=[task | {"status": "complete"}])
    assert sim.messages("C1", root)[1].streaming
    metadata = {"event_type": "answer", "event_payload": {"id": "7"}}
    stream.stop(blocks=feedback(), metadata=metadata, session_status="active")
    message = sim.messages("C1", root)[1]
    assert (message.text, message.markdown, message.streaming) == ("one two", "one two", False)
    assert [card["status"] for card in message.chunks] == ["complete"]
    assert (message.blocks[0]["type"], message.metadata) == ("context_actions", metadata)
    assert sim.session("C1", root)["status"] == "active"
    late = {"channel": "C1", "ts": message.ts, "markdown_text": "x"}
    assert refused(client_of(sim).chat_appendStream, **late) == "message_not_in_streaming_state"


def test_a_stream_expires_and_can_be_updated(sim: Simulator, clock: Clock) -> None:
    client, dm = client_of(sim), sim.dm("U1")
    root = client.chat_postMessage(channel=dm, text="root")["ts"]
    ts = client.chat_startStream(channel=dm, thread_ts=root, markdown_text="half")["ts"]
    assert refused(client.chat_update, channel=dm, ts=ts, text="x") == "streaming_state_conflict"
    clock.now += 299
    client.chat_appendStream(channel=dm, ts=ts, markdown_text=" more")
    clock.now += 1
    assert refused(client.chat_appendStream, channel=dm, ts=ts, markdown_text="x") == "message_not_in_streaming_state"
    assert refused(client.chat_stopStream, channel=dm, ts=ts) == "message_not_in_streaming_state"
    (message,) = [m for m in sim.messages(dm) if m.ts == ts]
    assert (message.text, message.streaming) == ("half more", False)
    client.chat_update(channel=dm, ts=ts, text="whole")
    assert [m.text for m in sim.messages(dm)] == ["root", "whole"]


def test_limits_of_streams(sim: Simulator) -> None:
    client = client_of(sim)
    root = client.chat_postMessage(channel="C1", text="root")["ts"]
    start = {"channel": "C1", "thread_ts": root, "recipient_team_id": "T1", "recipient_user_id": "U1"}
    without = {key: value for key, value in start.items() if key != "recipient_user_id"}
    assert refused(client.chat_startStream, **without) == "missing_recipient_user_id"
    assert refused(client.chat_startStream, **start | {"thread_ts": "1.2"}) == "thread_not_found"
    where = {"channel": "C1", "ts": client.chat_startStream(**start)["ts"]}
    assert refused(client.chat_appendStream, **where, markdown_text="x" * 12_001) == "msg_too_long"
    for _ in range(3):
        client.chat_appendStream(**where, markdown_text="x" * 12_000)
    assert refused(client.chat_appendStream, **where, markdown_text="x" * 4_001) == "msg_too_long"
    assert refused(client.chat_stopStream, **where, blocks=BROKEN_MESSAGES["alert in a message"]) == "invalid_blocks"
    assert refused(client.chat_appendStream, **where, chunks=[{"type": "song"}]) == "invalid_chunks"
    assert refused(client.chat_appendStream, **where, markdown_text="") == "no_text"
    client.chat_stopStream(**where)


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_faults_of_the_web_api(sim: Simulator) -> None:
    client = client_of(sim, retry_handlers=[])
    sim.faults.add(Fault("chat.*", status=429, retry_after=7, times=1))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C1", text="x")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    sim.faults.add(Fault("chat.postMessage", status=500, times=1))
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel="C1", text="x")
    sim.faults.add(Fault("chat.postMessage", error="fatal_error", times=1))
    assert refused(client.chat_postMessage, channel="C1", text="x") == "fatal_error"
    sim.faults.add(Fault("chat.postMessage", drop=True, times=1))
    with pytest.raises(OSError):  # noqa: PT011 (reset or closed, as the platform has it)
        client.chat_postMessage(channel="C1", text="x")
    assert sim.messages("C1") == []
    sim.faults.add(Fault("chat.postMessage", lose_reply=True, times=1))
    with pytest.raises(OSError):  # noqa: PT011
        client.chat_postMessage(channel="C1", text="x")
    assert len(sim.messages("C1")) == 1
    assert [call.status for call in sim.calls] == [429, 500, 200, 0, 0]


def test_latency_chance_and_retries(sim: Simulator) -> None:
    sim.faults.add(Fault("auth.test", latency=0.1, times=1))
    started = time.monotonic()
    client_of(sim).auth_test()
    assert time.monotonic() - started >= 0.1
    sim.faults.add(Fault("team.*", error="internal_error", probability=0.5))
    answers = [client_of(sim).api_call("api.test")["ok"] for _ in range(3)]
    with httpx.Client(trust_env=False, base_url=sim.base_url, params={"token": "xoxb-sim"}) as http:
        wrong = sum(not http.get("team.info").json()["ok"] for _ in range(40))
    assert answers == [True] * 3
    assert 8 <= wrong <= 32
    sim.faults.clear()
    sim.faults.add(Fault("chat.postMessage", status=429, retry_after=0, times=2))
    client = client_of(sim, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)])
    assert client.chat_postMessage(channel="C1", text="x")["ok"]
    assert sim.call_count("chat.postMessage") == 3


# --- Delivery over HTTP ----------------------------------------------------------------------------------------------


def test_events_are_signed_and_say_what_happened(sim: Simulator) -> None:
    verifier = SignatureVerifier(sim.signing_secret)
    with listening(sim) as got:
        sim.say("U1", "C1", "nothing for the app")
        sim.say("U1", "C2", "<@UBOT> not there")
        ts = sim.say("US", "CX", "<@UBOT> hello")
        sim.message_events = True
        sim.say("U1", "C1", "<@UBOT> twice")
        sim.say("U1", sim.dm("U1"), "direct")
        sim.open_agent_tab("U1", [{"type": "slack#/types/channel_id", "value": "C1"}])
        sim.stop_agent("US", "CX", ts)
    assert all(verifier.is_valid_request(body, headers) for headers, body in got)
    bodies = [json.loads(body) for _, body in got]
    events = [body["event"] for body in bodies]
    kinds = ["app_mention", "app_mention", "message", "message", "app_home_opened", "app_context_changed"]
    assert [event["type"] for event in events] == [*kinds, "agent_session_stopped"]
    assert (bodies[0]["is_ext_shared_channel"], events[0]["user_team"], events[0]["ts"]) == (True, "T2", ts)
    assert [event.get("channel_type") for event in events[2:4]] == ["channel", "im"]
    assert events[4]["tab"] == "messages"
    assert len({body["event_id"] for body in bodies}) == len(bodies)


def test_events_are_tried_again(sim: Simulator) -> None:
    with listening(sim, [500, 500]) as got:
        assert sim.send_event({"type": "team_join"}, event_id="Ev7")
    numbers = [headers.get("x-slack-retry-num") for headers, _ in got]
    assert numbers == [None, "1", "2"]
    assert got[1][0]["x-slack-retry-reason"] == "http_error"
    assert {json.loads(body)["event_id"] for _, body in got} == {"Ev7"}
    assert [attempt.reason for attempt in sim.delivery.attempts] == ["http_error", "http_error", ""]


def test_events_are_given_up(sim: Simulator) -> None:
    with listening(sim, [500] * 4) as got:
        assert not sim.send_event({"type": "team_join"})
        assert len(got) == 4
    with listening(sim, [-400]) as got:
        assert not sim.send_event({"type": "team_join"})
        assert len(got) == 1


def test_lost_acknowledgements_and_copies(sim: Simulator) -> None:
    with listening(sim) as got:
        sim.delivery.copies = 4
        assert sim.send_event({"type": "team_join"}, event_id="Ev1")
        assert len(got) == 4
        sim.delivery.copies, sim.delivery.lose_acks = 1, 0.5
        for _ in range(20):
            sim.send_event({"type": "team_join"})
        again = [headers for headers, _ in got if "x-slack-retry-num" in headers]
        assert len(again) > 3
        assert {headers["x-slack-retry-reason"] for headers in again} == {"http_timeout"}


def test_a_slow_app_misses_the_deadline(sim: Simulator) -> None:
    async def dawdle(request: Request) -> Response:
        await request.body()
        time.sleep(0.3)
        return JSONResponse({})

    with served(Starlette(routes=[Route("/slack", dawdle, methods=["POST"])])) as sim.events_url:
        sim.delivery.deadline, sim.delivery.retry_delays = 0.1, ()
        assert not sim.send_event({"type": "team_join"})
    assert sim.delivery.attempts[0].reason == "http_timeout"


def test_own_messages_are_echoed_on_demand(sim: Simulator) -> None:
    with listening(sim) as got:
        client_of(sim).chat_postMessage(channel="C1", text="quiet")
        sim.echo_own = True
        client_of(sim).chat_postMessage(channel="C1", text="loud")
        until(lambda: got)
    event = json.loads(got[0][1])["event"]
    assert (event["text"], event["bot_id"], event["user"]) == ("loud", "BBOT", "UBOT")


# --- A Bolt app ------------------------------------------------------------------------------------------------------


def bolt_app(sim: Simulator, seen: list[Any]) -> App:
    app = App(signing_secret=sim.signing_secret, client=client_of(sim))

    @app.event("app_mention")
    def mention(event: dict[str, Any], client: WebClient, request: Any) -> None:
        seen.append(int((request.headers.get("x-slack-retry-num") or ["0"])[0]))
        blocks = actions(button(value="1"), button(value="2", action_id="stop"))
        client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="answer", blocks=blocks)

    @app.action("go")
    def go(ack: Any, body: dict[str, Any], client: WebClient, respond: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal())
        respond("opened", replace_original=False)

    @app.view("form")
    def form(ack: Any, view: dict[str, Any]) -> None:
        name = view["state"]["values"]["name"]["name"]["value"]
        if name == "bad":
            ack(response_action="errors", errors={"name": "Another, please."})
        elif name == "next":
            ack(response_action="update", view=modal(title=plain("Second")))
        elif name == "deeper":
            ack(response_action="push", view=modal(title=plain("Third")))
        else:
            ack(response_action="clear") if name == "clear" else ack()
            seen.append(name)

    @app.command("/advisor")
    def command(ack: Any, command: dict[str, Any]) -> None:
        seen.append(command["response_url"])
        ack(f"You said: {command['text']}")

    @app.shortcut("ask")
    def shortcut(ack: Any, shortcut: dict[str, Any]) -> None:
        ack()
        seen.append(shortcut.get("message", {}).get("text", shortcut["type"]))

    return app


@contextlib.contextmanager
def running(sim: Simulator, transport: str, seen: list[Any]) -> Iterator[None]:
    app = bolt_app(sim, seen)
    if transport == "http":
        handler = SlackRequestHandler(app)

        async def endpoint(request: Request) -> Response:
            return await handler.handle(request)

        with served(Starlette(routes=[Route("/slack", endpoint, methods=["POST"])])) as sim.events_url:
            yield
        return
    socket = SocketModeHandler(app, sim.app_token, ping_interval=1)
    socket.connect()
    assert sim.sockets.wait()
    yield
    socket.close()


@pytest.mark.parametrize("transport", ["http", "socket"])
def test_a_day_with_a_bolt_app(sim: Simulator, transport: str) -> None:
    seen: list[Any] = []
    with running(sim, transport, seen):
        root = sim.say("U1", "C1", "<@UBOT> hello")
        until(lambda: len(sim.messages("C1", root)) == 2)
        answer = sim.messages("C1", root)[1]
        with pytest.raises(LookupError):
            sim.click("U1", "C1", answer.ts, "go", value="9")
        sim.click("U1", "C1", answer.ts, "go")
        until(lambda: sim.ephemerals("U1", "C1"))
        with pytest.raises(ValueError, match="required"):
            sim.submit("U1", {})
        assert sim.submit("U1", {"name": "bad"})["errors"] == {"name": "Another, please."}
        sim.submit("U1", {"name": "next"})
        assert (sim.view_of("U1") or {})["title"]["text"] == "Second"
        sim.submit("U1", {"name": "deeper"})
        assert (sim.view_of("U1") or {})["title"]["text"] == "Third"
        assert sim.submit("U1", {"name": "Ann"}) == {}
        assert (sim.view_of("U1") or {})["title"]["text"] == "Second"
        sim.submit("U1", {"name": "clear"})
        assert sim.view_of("U1") is None
        assert sim.command("U2", "C1", "/advisor", "ask me") == {"text": "You said: ask me"}
        assert [m.text for m in sim.ephemerals("U2")] == ["You said: ask me"]
        sim.shortcut("U1", "ask")
        sim.message_shortcut("U1", "C1", root, "ask")
        until(lambda: len(seen) == 6)
        assert seen[:3] == [0, "Ann", "clear"]
        assert sorted(seen[4:]) == ["<@UBOT> hello", "shortcut"]
        sim.delivery.lose_acks = 1.0
        sim.say("U1", "C1", "<@UBOT> again")
        until(lambda: len(seen) == 10)
        assert sorted(seen[6:]) == [0, 1, 2, 3]
    assert sim.warnings == []


def test_ephemeral_messages_can_be_clicked_and_replaced(sim: Simulator) -> None:
    client = client_of(sim)
    ts = client.chat_postEphemeral(channel="C1", user="U1", text="for you", blocks=actions(button()))["message_ts"]
    assert sim.messages("C1") == []
    with pytest.raises(LookupError):
        sim.click("U2", "C1", ts, "go")
    with listening(sim) as got:
        sim.click("U1", "C1", ts, "go")
    payload = json.loads(httpx.QueryParams(got[0][1].decode())["payload"])
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    replacement = {"replace_original": True, "text": "replaced"}
    assert httpx.post(payload["response_url"], json=replacement, trust_env=False).text == "ok"
    assert [m.text for m in sim.ephemerals("U1")] == ["replaced"]
    httpx.post(payload["response_url"], json={"delete_original": True}, trust_env=False)
    assert sim.ephemerals("U1") == []


def test_state_of_messages_and_feedback(sim: Simulator) -> None:
    tick = {"type": "checkboxes", "action_id": "tick", "options": select(2)["options"]}
    ts = client_of(sim).chat_postMessage(
        channel="C1", text="x", blocks=actions(tick, select(2)) + feedback(value="bad")
    )
    with listening(sim) as got:
        sim.click("U1", "C1", ts["ts"], "tick", selected=["v1"])
        sim.click("U1", "C1", ts["ts"], "fb", "bad")
        sim.click("U1", "C1", ts["ts"], "pick", "v0")
        with pytest.raises(LookupError):
            sim.click("U1", "C1", ts["ts"], "fb", "ugly")
    payloads = [json.loads(httpx.QueryParams(body.decode())["payload"]) for _, body in got]
    assert [o["value"] for o in payloads[0]["actions"][0]["selected_options"]] == ["v1"]
    assert payloads[1]["actions"][0]["value"] == "bad"
    (values,) = payloads[2]["state"]["values"].values()
    assert (values["tick"]["selected_options"][0]["value"], values["pick"]["selected_option"]["value"]) == ("v1", "v0")


def test_response_urls_wear_out(sim: Simulator, clock: Clock) -> None:
    with listening(sim) as got:
        sim.command("U1", "C2", "/advisor", "x")
        sim.command("U1", "C2", "/advisor", "y")
    first, second = (httpx.QueryParams(body.decode())["response_url"] for _, body in got)

    def post(url: str, **body: Any) -> httpx.Response:
        return httpx.post(url, json=body, trust_env=False)

    assert post(first, text="x", blocks=BROKEN_MESSAGES["unknown block"]).json()["error"] == "invalid_blocks"
    for _ in range(5):
        assert post(first, text="there", response_type="in_channel").status_code == 200
    assert post(first, text="there").json()["error"] == "used_url"
    assert len(sim.messages("C2")) == 5
    clock.now += 1801
    assert post(second, text="late").json()["error"] == "expired_url"


def test_triggers_expire_and_are_good_for_one_modal(sim: Simulator, clock: Clock) -> None:
    client = client_of(sim)
    with listening(sim) as got:
        sim.command("U1", "C1", "/advisor")
        sim.command("U1", "C1", "/advisor")
    first, second = (httpx.QueryParams(body.decode())["trigger_id"] for _, body in got)
    view = client.views_open(trigger_id=first, view=modal())["view"]
    assert refused(client.views_open, trigger_id=first, view=modal()) == "exchanged_trigger_id"
    clock.now += 3.1
    assert refused(client.views_open, trigger_id=second, view=modal()) == "trigger_expired"
    client.views_update(view_id=view["id"], hash=view["hash"], view=modal(title=plain("New")))
    stale = {"view_id": view["id"], "hash": view["hash"], "view": modal()}
    assert refused(client.views_update, **stale) == "hash_conflict"
    client.views_push(trigger_id=sim.world.new_trigger("U1"), view=modal(title=plain("Top"), blocks=actions(button())))
    with listening(sim) as got:
        sim.click_in_view("U1", "go")
    payload = json.loads(httpx.QueryParams(got[0][1].decode())["payload"])
    assert (payload["type"], payload["view"]["previous_view_id"]) == ("block_actions", view["id"])
    home = {"type": "home", "blocks": [section("home")]}
    assert client.views_publish(user_id="U1", view=home)["view"]["type"] == "home"


def test_forged_requests_can_be_made(sim: Simulator) -> None:
    verifier = SignatureVerifier(sim.signing_secret)
    with listening(sim) as got:
        url, body = sim.events_url or "", b'{"type":"event_callback"}'
        sim.post_signed(url, body)
        sim.post_signed(url, body, {"X-Slack-Signature": "v0=no"})
        sim.post_signed(url, body, timestamp="1")
        sim.post_signed(url, body, {"X-Slack-Signature": None})
        sim.post_signed(url, body, signature=sim.delivery.sign("1", body))
    assert [verifier.is_valid_request(b, h) for h, b in got] == [True, False, False, False, False]
    assert "x-slack-signature" not in got[3][0]


# --- Socket Mode -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_socket(sim: Simulator) -> Iterator[Any]:
    url = WebClient(base_url=sim.base_url).apps_connections_open(app_token="xapp-sim")["url"]
    with connect(url, proxy=None) as socket:
        assert json.loads(socket.recv(2))["type"] == "hello"
        yield socket


def test_tickets_are_good_for_one_connection(sim: Simulator) -> None:
    url = WebClient(base_url=sim.base_url).apps_connections_open(app_token="xapp-sim")["url"]
    with connect(url, proxy=None) as socket:
        assert json.loads(socket.recv(2))["num_connections"] == 1
        for wrong in (url, url.replace("ticket-", "made-up-")):
            with pytest.raises(InvalidStatus), connect(wrong, proxy=None):
                pass


def test_envelopes_are_redelivered_until_acknowledged(sim: Simulator) -> None:
    sim.delivery.deadline = 0.1
    with open_socket(sim) as socket:
        done: list[bool] = []
        thread = threading.Thread(target=lambda: done.append(sim.send_event({"type": "team_join"})))
        thread.start()
        first, second = json.loads(socket.recv(2)), json.loads(socket.recv(2))
        socket.send(json.dumps({"envelope_id": second["envelope_id"]}))
        thread.join(2)
    assert done == [True]
    assert (first["type"], first["retry_attempt"], first["accepts_response_payload"]) == ("events_api", 0, False)
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert first["payload"]["event_id"] == second["payload"]["event_id"]


def test_events_wait_for_a_socket(sim: Simulator) -> None:
    sim.delivery.connect_wait, sim.delivery.retry_delays = 0.05, ()
    assert not sim.send_event({"type": "team_join"})
    assert sim.delivery.attempts[0].reason == "connection_failed"
    sim.delivery.connect_wait = 3.0
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(sim.send_event({"type": "team_join"})))
    thread.start()
    with open_socket(sim) as socket:
        socket.send(json.dumps({"envelope_id": json.loads(socket.recv(2))["envelope_id"]}))
        thread.join(2)
    assert done == [True]


def test_each_event_goes_to_one_of_several_sockets(sim: Simulator) -> None:
    counts: list[int] = []

    def serve(socket: Any) -> None:
        counts.append(0)
        place = len(counts) - 1
        with contextlib.suppress(TimeoutError):
            while True:
                message = json.loads(socket.recv(0.5))
                counts[place] += 1
                socket.send(json.dumps({"envelope_id": message["envelope_id"], "payload": {"text": "hi"}}))

    with open_socket(sim) as one, open_socket(sim) as two:
        threads = [threading.Thread(target=serve, args=(socket,)) for socket in (one, two)]
        for thread in threads:
            thread.start()
        answers = [sim.command("U1", "C1", "/advisor") for _ in range(20)]
        for thread in threads:
            thread.join()
    assert answers == [{"text": "hi"}] * 20
    assert sum(counts) == 20
    assert all(counts)


def test_sockets_are_asked_to_connect_anew(sim: Simulator) -> None:
    with open_socket(sim) as socket:
        sim.disconnect_sockets("warning")
        assert json.loads(socket.recv(2))["reason"] == "warning"
        assert sim.sockets.count() == 1
        sim.disconnect_sockets()
        assert json.loads(socket.recv(2)) | {"debug_info": 0} == {
            "type": "disconnect",
            "reason": "refresh_requested",
            "debug_info": 0,
        }
        assert sim.sockets.count() == 0


# --- The transcript --------------------------------------------------------------------------------------------------


def test_the_transcript_shows_everything_and_runs_nothing(sim: Simulator) -> None:
    client = client_of(sim)
    root = sim.say("U1", "C1", "<script>alert(1)</script> & *what*?")
    blocks = [
        {"type": "header", "text": plain("Gaps")},
        section("*Bold* <https://example.com/a_b_c|source>"),
        {"type": "divider"},
        {"type": "context", "elements": [plain("as of today")]},
        table(2, 2),
        {"type": "markdown", "text": "**strong** and `code`"},
        *actions(button(style="primary")),
        *feedback(),
    ]
    client.chat_postMessage(channel="C1", thread_ts=root, text="Gaps", blocks=blocks)
    client.chat_postEphemeral(channel="C1", user="U2", text="psst <@U1>")
    radio = {"type": "radio_buttons", "action_id": "radio", "options": select(2, "choice")["options"]}
    form = modal(blocks=[field(), {"type": "input", "label": plain("Pick"), "element": radio}])
    client.views_open(trigger_id=sim.world.new_trigger("U1"), view=form)
    with listening(sim):
        sim.submit("U1", {"name": "typed in", "radio": "v1"})
    page = sim.render_transcript("A <day>")
    for part in (
        "<h3>Gaps</h3>",
        "<b>Bold</b>",
        "<hr>",
        "as of today",
        "<th>x</th>",
        "button primary",
        "typed in",
        "☑ choice",
    ):
        assert part in page
    for part in (
        "only visible to Bob",
        "@Ann Lee",
        "A &lt;day&gt;",
        "<code>code</code>",
        'href="https://example.com/a_b_c"',
    ):
        assert part in page
    assert "<script" not in page
    assert page.count("<article") == 3
