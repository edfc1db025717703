"""Everything the pretended workspace holds: people, channels, messages, modals and what was promised to whom."""

from __future__ import annotations

import copy
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from integrations.slack.simulator.errors import ApiError, Json

TEAM_ID = "T1"
OTHER_TEAM_ID = "T2"
APP_ID = "A1"
BOT_ID = "BBOT"
BOT_USER_ID = "UBOT"
STREAM_SECONDS = 300.0
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5

_KINDS = {
    "member": {},
    "guest": {"is_restricted": True},
    "single_channel_guest": {"is_restricted": True, "is_ultra_restricted": True},
    "stranger": {"is_stranger": True},
    "bot": {"is_bot": True},
    "deleted": {"deleted": True},
}


@dataclass(frozen=True, slots=True)
class SlackUser:
    """Someone in the workspace or, as a stranger, from another one."""

    id: str
    name: str
    email: str = ""
    kind: str = "member"

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"Unknown kind of user: {self.kind}")

    @property
    def team_id(self) -> str:
        """Return the team this person belongs to."""
        return OTHER_TEAM_ID if self.kind == "stranger" else TEAM_ID

    def to_dict(self) -> Json:
        """Return the user object of the Web API."""
        profile = {"real_name": self.name, "display_name": self.name, "email": self.email, "team": self.team_id}
        flags = {"deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False}
        handle = self.name.lower().replace(" ", ".")
        body: Json = {"id": self.id, "team_id": self.team_id, "name": handle, "real_name": self.name, **flags}
        return body | {"is_stranger": False, "tz": "Etc/UTC", "profile": profile} | _KINDS[self.kind]


@dataclass(slots=True)
class Message:
    """A message as it stands now; `only_for` names the one reader of an ephemeral message."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    only_for: str | None = None
    edited: bool = False
    deleted: bool = False
    streaming: bool = False
    stream_started: float | None = None
    markdown: str = ""
    chunks: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    state: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Channel:
    """A channel or direct message with all its messages, oldest first."""

    id: str
    name: str
    members: list[str]
    private: bool = False
    shared: bool = False
    is_im: bool = False
    messages: list[Message] = field(default_factory=list)

    @property
    def type(self) -> str:
        """Return the channel type that events carry."""
        return "im" if self.is_im else "group" if self.private else "channel"


@dataclass(slots=True)
class Trigger:
    """A short-lived right to open a modal."""

    user: str
    expires: float
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """A short-lived right to write where someone just acted."""

    channel: str
    user: str
    expires: float
    uses: int = 0
    ts: str | None = None


SCOPES = (
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write", "commands",
    "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write", "reactions:write",
    "users:read", "users:read.email",
)  # fmt: skip


class World:
    """The state behind the simulator. Hold `lock` while reading or changing it."""

    def __init__(self, clock: Callable[[], float], seed: int = 0) -> None:
        self.clock = clock
        self.scopes: tuple[str, ...] = SCOPES
        """What the app was granted, as Slack tells with every answer."""
        self.lock = threading.RLock()
        self.random = random.Random(seed)  # noqa: S311 (for tests, not for secrets)
        self.users: dict[str, SlackUser] = {BOT_USER_ID: SlackUser(BOT_USER_ID, "Advisor", kind="bot")}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Json] = {}
        self.views: dict[str, list[Json]] = {}
        self.homes: dict[str, Json] = {}
        self.files: dict[str, Any] = {}
        self.address = ""
        self.submissions: list[Json] = []
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.statuses: dict[tuple[str, str], Json] = {}
        self.sessions: dict[tuple[str, str], Json] = {}
        self.prompts: dict[str, Json] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.warnings: list[str] = []
        self.echoes: list[tuple[Channel, Message]] = []
        self.issue_ticket: Callable[[], str] = str
        self._last_microsecond = 0
        self._counter = itertools.count(1)

    def new_id(self, prefix: str) -> str:
        """Return an id nothing else has."""
        return f"{prefix}{next(self._counter):06d}"

    def new_ts(self) -> str:
        """Return a timestamp later than every one before."""
        self._last_microsecond = max(int(self.clock() * 1_000_000), self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06d}"

    def user(self, user_id: str) -> SlackUser:
        """Return a user, or raise `user_not_found`."""
        if user_id not in self.users:
            raise ApiError("user_not_found")
        return self.users[user_id]

    def dm(self, user_id: str) -> Channel:
        """Return the direct message of the app with a user, opening it when needed."""
        self.user(user_id)
        channel_id = f"D{user_id}"
        if channel_id not in self.channels:
            members = [user_id, BOT_USER_ID]
            self.channels[channel_id] = Channel(channel_id, "directmessage", members, private=True, is_im=True)
        return self.channels[channel_id]

    def channel(self, channel_id: str, *, member: bool = False) -> Channel:
        """Return a channel the app may know of, and with `member` one it is in."""
        if member and channel_id in self.users:
            return self.dm(channel_id)
        channel = self.channels.get(channel_id)
        if channel is None or (channel.private and BOT_USER_ID not in channel.members):
            raise ApiError("channel_not_found")
        if member and BOT_USER_ID not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: str, error: str = "message_not_found") -> Message:
        """Return a message everyone in the channel can see, or raise `error`."""
        for message in channel.messages:
            if message.ts == ts and message.only_for is None and not message.deleted:
                return message
        raise ApiError(error)

    def thread_root(self, channel: Channel, thread_ts: str | None) -> str | None:
        """Return the root of the thread a message shall go to, or None without one."""
        if not thread_ts:
            return None
        root = self.message(channel, thread_ts, "thread_not_found")
        if root.thread_ts:
            self.warnings.append(f"thread_ts {thread_ts} is a reply; Slack wants the first message of the thread")
        return root.thread_ts or root.ts

    def post(self, channel: Channel, user: str, **fields: Any) -> Message:
        """Store a new message and clear the status of its thread."""
        fields["blocks"] = self.stamp(fields.get("blocks") or [])
        message = Message(self.new_ts(), channel.id, user, **fields)
        channel.messages.append(message)
        if user == BOT_USER_ID and message.only_for is None:
            if message.thread_ts:
                self.statuses.pop((channel.id, message.thread_ts), None)
            self.echoes.append((channel, message))
        return message

    def stamp(self, blocks: list[Json]) -> list[Json]:
        """Return a copy of the blocks in which every block and element has its id."""
        blocks = copy.deepcopy(blocks)
        for block in blocks:
            block.setdefault("block_id", self.new_id("b"))
            elements = block["elements"] if block["type"] in {"actions", "context_actions"} else []
            for element in [block.get("element"), block.get("accessory"), *elements]:
                if element and element["type"] != "image":
                    element.setdefault("action_id", self.new_id("a"))
        return blocks

    def expire_streams(self) -> None:
        """Close the streams whose time is over; they keep what they have."""
        for channel in self.channels.values():
            for message in channel.messages:
                if message.streaming and self.clock() - (message.stream_started or 0.0) >= STREAM_SECONDS:
                    message.streaming = False

    def new_trigger(self, user_id: str) -> str:
        """Return a trigger id for something this user just did."""
        trigger_id = self.new_id("trigger.")
        self.triggers[trigger_id] = Trigger(user_id, self.clock() + TRIGGER_SECONDS)
        return trigger_id

    def new_response_url(self, channel: str, user: str, ts: str | None = None) -> str:
        """Return the token of a fresh response URL."""
        token = self.new_id("r")
        self.response_urls[token] = ResponseUrl(channel, user, self.clock() + RESPONSE_URL_SECONDS, ts=ts)
        return token


def message_dict(world: World, channel: Channel, message: Message, *, metadata: bool = True) -> Json:
    """Return a message as the Web API and events show it."""
    author = world.users[message.user]
    body: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    body |= {"team": author.team_id, "blocks": copy.deepcopy(message.blocks)}
    if author.kind == "bot":
        own = message.user == BOT_USER_ID
        body |= {"bot_id": BOT_ID if own else f"B{message.user}", "app_id": APP_ID if own else f"A{message.user}"}
    if message.deleted:
        body |= {"subtype": "tombstone", "text": "This message was deleted.", "blocks": []}
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    replies = [m for m in channel.messages if m.thread_ts == message.ts and m.only_for is None and not m.deleted]
    if replies:
        users = list(dict.fromkeys(reply.user for reply in replies))
        body |= {"thread_ts": message.ts, "reply_count": len(replies), "reply_users": users}
        body["latest_reply"] = replies[-1].ts
    if message.metadata and metadata:
        body["metadata"] = copy.deepcopy(message.metadata)
    if message.edited:
        body["edited"] = {"user": message.user, "ts": message.ts}
    if message.reactions:
        body["reactions"] = [{"name": n, "users": u, "count": len(u)} for n, u in message.reactions.items()]
    return body
