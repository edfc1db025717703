"""Who asks, and who listens: Slack's users and channels as Callers. Guests and strangers are turned away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from advisor.domain.dialogue import Role
from advisor.domain.identity import Caller, Directory
from advisor.settings import ChannelRule

REMEMBERED_SECONDS = 300.0
_MOST_MEMBERS = 200


class RefusedError(Exception):
    """Someone may not be answered here; `told` is what they are told."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class SlackPerson(NamedTuple):
    """A member of the workspace, as the advisor knows them."""

    user: str
    name: str
    email: str
    caller: Caller
    role: Role


class People:
    """Looks up users and channels in Slack, and remembers them for five minutes."""

    def __init__(
        self,
        client: WebClient,
        directory: Directory,
        *,
        rules: Mapping[str, ChannelRule],
        guests: bool = False,
        shared_channels: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._directory = directory
        self._rules = rules
        self._guests = guests
        self._shared_channels = shared_channels
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def find(self, user: str, team: str) -> SlackPerson:
        """Return a member of the workspace `team`; raise RefusedError for guests, strangers and programs."""
        info = self._look_up("users.info", "user", user, lambda: self._client.users_info(user=user)["user"])
        if info.get("deleted") or info.get("is_bot") or info.get("is_workflow_bot"):
            raise RefusedError("The advisor answers people of this workspace.")
        if info.get("is_stranger") or info.get("team_id", team) != team:
            raise RefusedError("The advisor answers people of this workspace only.")
        if (info.get("is_restricted") or info.get("is_ultra_restricted")) and not self._guests:
            raise RefusedError("The advisor does not answer guests. Ask your contact in the company.")
        profile = info.get("profile") or {}
        email = str(profile.get("email", "")).lower()
        known = self._directory.find(email)
        return SlackPerson(
            user=user,
            name=str(profile.get("real_name") or info.get("real_name") or info.get("name") or user),
            email=email,
            caller=Caller(id=email or f"slack:{team}:{user}", permission=known.permission, groups=known.groups),
            role=known.role,
        )

    def find_name(self, user: str) -> str:
        """Return the name of anyone, member or not."""
        info = self._look_up("users.info", "user", user, lambda: self._client.users_info(user=user)["user"])
        return str((info.get("profile") or {}).get("real_name") or info.get("real_name") or info.get("name") or user)

    def check_channel(self, channel: str) -> ChannelRule:
        """Return the rule of a channel; raise RefusedError where the advisor stays silent."""
        if channel.startswith("D"):
            return ChannelRule.OPEN
        if not self._shared_channels:
            try:
                info = self._channel(channel)
            except SlackApiError as error:
                if error.response.get("error") not in {"channel_not_found", "not_in_channel"}:
                    raise
                info = {}  # a command typed where the advisor is not: only its author sees the reply
            if info.get("is_ext_shared") or info.get("is_pending_ext_shared"):
                raise RefusedError(
                    "The advisor does not answer in channels shared with other companies. Ask it directly."
                )
        rule = self._rules.get(channel, ChannelRule.OPEN)
        if rule is ChannelRule.OFF:
            raise RefusedError("The advisor is switched off in this channel. Ask it directly.")
        return rule

    def find_audience(self, channel: str, team: str) -> Caller:
        """Return the Caller that stands for everyone who can read a channel: what all of them may see, no more.

        Anyone may join a public channel, so it shows what everyone in the company may see.
        """
        name = f"slack:{team}:{channel}"
        if not self._channel(channel).get("is_private"):
            return Caller(id=name)
        members = self._look_up("members", "channel", channel, lambda: self._list_members(channel))
        if members is None:
            return Caller(id=name)
        groups: set[str] | None = None
        for member in members:
            try:
                theirs = set(self.find(member, team).caller.groups)
            except RefusedError:
                if self._is_program(member):
                    continue
                theirs = set()
            groups = theirs if groups is None else groups & theirs
        return Caller(id=name, groups=tuple(sorted(groups or ())))

    def find_user_by_name(self, name: str, team: str) -> str:
        """Return the id of the only member who goes by a name or an e-mail address, or nothing."""
        wanted = name.casefold().strip()
        members = self._look_up("users.list", "all", "", self._list_users)
        found = [
            member["id"]
            for member in members
            if wanted
            in {str(member.get("real_name", "")).casefold(), str(member.get("profile", {}).get("email", "")).casefold()}
            and not member.get("deleted")
            and member.get("team_id", team) == team
        ]
        return found[0] if len(found) == 1 and wanted else ""

    def _channel(self, channel: str) -> dict[str, Any]:
        found: dict[str, Any] = self._look_up(
            "conversations.info",
            "channel",
            channel,
            lambda: self._client.conversations_info(channel=channel)["channel"],
        )
        return found

    def _list_members(self, channel: str) -> list[str] | None:
        """Return the members, or None when there are too many to look at each."""
        found: list[str] = []
        cursor = ""
        while True:
            page = self._client.conversations_members(channel=channel, limit=_MOST_MEMBERS, cursor=cursor)
            found += page["members"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if len(found) > _MOST_MEMBERS:
                return None
            if not cursor:
                return found

    def _list_users(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self._client.users_list(limit=200, cursor=cursor)
            found += page["members"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return found

    def _is_program(self, user: str) -> bool:
        info = self._look_up("users.info", "user", user, lambda: self._client.users_info(user=user)["user"])
        return bool(info.get("is_bot"))

    def _look_up(self, what: str, kind: str, id_: str, ask: Callable[[], Any]) -> Any:
        key = (what, f"{kind}/{id_}")
        now = self._clock()
        with self._lock:
            at, value = self._known.get(key, (float("-inf"), None))
            if now - at < REMEMBERED_SECONDS:
                return value
        value = ask()
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key] = (now, value)
        return value
