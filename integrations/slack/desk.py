"""What handlers of Slack's events share: the advisor, the office, who is who, and what is set."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slack_sdk import WebClient

from advisor.domain.identity import Caller
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import ChannelRule
from integrations.slack.outgoing import Place
from integrations.slack.people import People, SlackPerson

DOOR = "slack"
_LINK = re.compile(r"<(?:https?|mailto):[^|>]*\|([^>]*)>|<((?:https?|mailto):[^>]*)>")
_CHANNEL = re.compile(r"<#\w+\|?([^>]*)>")
_SPECIAL = re.compile(r"<![^>]*>")
_MENTION = re.compile(r"<@(\w+)(?:\|([^>]*))?>")


class Desk(NamedTuple):
    """Everything that handling an event takes."""

    advisor: Advisor
    office: ProgramOffice
    people: People
    client: WebClient
    bot_user: str
    team: str
    """Our workspace: whoever belongs to another one is a stranger, whatever a payload says."""
    help_channel: str = ""
    digest_channel: str = ""
    streaming: bool = True


class Request(NamedTuple):
    """What came in from Slack, whoever it came from."""

    key: str
    team: str
    user: str
    channel: str
    ts: str = ""
    thread: str = ""
    text: str = ""
    response_url: str = ""
    value: str = ""
    values: Mapping[str, str] = {}
    only_by_url: bool = False
    """Whether a private reply can only go through the response URL: the place need not be ours."""

    @property
    def is_direct(self) -> bool:
        """Whether it came in a direct message."""
        return self.channel.startswith("D")

    @property
    def privately(self) -> Place:
        """Where only this user reads the reply; a direct message when it came from no channel."""
        if not self.channel:
            return Place("", user=self.user)
        if self.is_direct and self.ts and not self.only_by_url:
            return Place(self.channel, self.thread or self.ts, self.user)
        return self.in_place

    @property
    def in_place(self) -> Place:
        """The message whose button was pressed, or where a command was typed."""
        return Place(self.channel, self.thread, self.user, private=True, response_url=self.response_url)

    @property
    def in_thread(self) -> Place:
        """The thread that the request belongs to, or begins."""
        return Place(self.channel, self.thread or self.ts, self.user)


class Asker(NamedTuple):
    """Who asked, and for whose eyes the reply is."""

    person: SlackPerson
    reader: Caller
    place: Place

    @property
    def is_private(self) -> bool:
        """Whether only the person reads the reply in a channel."""
        return self.place.private and not self.place.is_direct


def admit(desk: Desk, request: Request, *, private: bool = False) -> Asker:
    """Return who asks and who reads; raise RefusedError for those who may not.

    In a channel everyone reads the answer, so it holds what all of them may see. Only a private reply, or a direct
    message, holds what the person alone may see.
    """
    person = desk.people.find(request.user, request.team)
    if request.is_direct or not request.channel:
        return Asker(person, person.caller, request.privately)
    rule = desk.people.check_channel(request.channel)
    if private or rule is ChannelRule.PRIVATE_FIRST:
        return Asker(person, person.caller, request.privately)
    return Asker(person, desk.people.find_audience(request.channel, request.team), request.in_thread)


def name_conversation(request: Request, reader: Caller) -> str:
    """Return the id of the conversation that a thread is, for one reader."""
    place = request.in_thread
    return _digest(f"{request.team}/{place.channel}/{place.thread or request.key}/{reader.id}")


def name_answer(request: Request, reader: Caller) -> str:
    """Return the id of the one answer to a request, the same however often it is handled."""
    return _digest(f"{request.key}/{reader.id}")


def read_text(text: str, desk: Desk) -> str:
    """Return a message as its author wrote it: markup of links, channels and mentions undone, our own name left out."""
    plain = text.replace(f"<@{desk.bot_user}>", " ")
    plain = _LINK.sub(lambda m: m[1] or m[2], plain)
    plain = _CHANNEL.sub(lambda m: f"#{m[1]}", plain)
    plain = _SPECIAL.sub(" ", plain)
    plain = _MENTION.sub(lambda m: m[2] or desk.people.find_name(m[1]), plain)
    return html.unescape(plain).strip()


def read_request(payload: Mapping[str, Any]) -> Request:
    """Return a request as it was queued."""
    return Request(**{name: payload[name] for name in Request._fields if name in payload})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
