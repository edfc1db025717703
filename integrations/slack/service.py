"""Puts the Slack door together, and runs it over a socket or beside the API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from advisor import bootstrap
from advisor.domain.identity import Directory
from advisor.errors import InvalidInputError, UnavailableError
from advisor.ports import Meter, WorkQueue
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from advisor.settings import Settings
from integrations.slack.app import create_app
from integrations.slack.clerk import Clerk
from integrations.slack.desk import Desk
from integrations.slack.jobs import find_slot
from integrations.slack.people import People
from integrations.slack.postman import LEASE_SECONDS, PACE_SECONDS, Postman
from integrations.slack.workers import IDLE_SECONDS, Workers
from integrations.watch import watch_index

CALL_SECONDS = 15


class SlackDoor(NamedTuple):
    """The Bolt app with what works behind it."""

    app: App
    workers: Workers
    client: WebClient
    queue: WorkQueue


def build_door(
    settings: Settings,
    advisor: Advisor,
    office: ProgramOffice,
    *,
    meter: Meter | None = None,
    lease: float = LEASE_SECONDS,
    pace: float = PACE_SECONDS,
    idle: float = IDLE_SECONDS,
) -> SlackDoor:
    """Wire the Slack door. Raises InvalidInputError for settings, UnavailableError when Slack is out of reach."""
    token = settings.slack_bot_token.get_secret_value()
    if not token:
        raise InvalidInputError("ADVISOR_SLACK_BOT_TOKEN is not set.", "See `advisor slack doctor`.")
    find_slot(settings.slack_weekly, 0)
    for name in ("slack_sdk", "slack_bolt"):  # at a lower level they log what people write
        logging.getLogger(name).setLevel(logging.WARNING)
    client = open_client(token, settings.slack_api_url)
    identity = identify(client)
    people = People(
        client,
        Directory(settings.people, otherwise=settings.default_permission),
        rules=settings.slack_channels,
        guests=settings.slack_guests,
        shared_channels=settings.slack_shared_channels,
    )
    desk = Desk(
        advisor=advisor,
        office=office,
        people=people,
        client=client,
        bot_user=identity["user_id"],
        team=identity["team_id"],
        help_channel=settings.slack_help_channel,
        digest_channel=settings.slack_digest_channel,
        streaming=settings.slack_streaming,
    )
    queue = bootstrap.build_queue(settings)
    team = identity["team_id"]
    workers = Workers(
        queue,
        Clerk(queue, desk, lease=2 * lease),
        Postman(queue, client, team=team, bot_user=desk.bot_user, pace=pace, lease=lease, meter=meter),
        team=team,
        weekly=settings.slack_weekly,
        idle=idle,
    )
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_transport == "http" else ""
    app = create_app(queue, desk, signing_secret=secret, wake=workers.wake)
    return SlackDoor(app, workers, client, queue)


def open_client(token: str, url: str) -> WebClient:
    """Return a client that never repeats a call by itself: only the outbox knows whether a call may have arrived."""
    return WebClient(token=token, base_url=url, timeout=CALL_SECONDS, retry_handlers=[])


def identify(client: WebClient) -> Any:
    """Return who we are in Slack; raise UnavailableError saying why that cannot be told."""
    try:
        return client.auth_test()
    except SlackApiError as error:
        raise UnavailableError(
            f"Slack refuses the bot token ({error.response.get('error')}).",
            "Install the app anew and set ADVISOR_SLACK_BOT_TOKEN.",
        ) from None
    except OSError:
        raise UnavailableError(
            "Slack cannot be reached.", "Check the network, a proxy in HTTPS_PROXY, and ADVISOR_SLACK_API_URL."
        ) from None


def run_socket(settings: Settings, announce: Callable[[str], None], until: Callable[[], None]) -> None:
    """Answer over Socket Mode until `until` returns."""
    token = settings.slack_app_token.get_secret_value()
    if not token:
        raise InvalidInputError(
            "ADVISOR_SLACK_APP_TOKEN is not set.", "Socket Mode needs an app token; see `advisor slack doctor`."
        )
    office = bootstrap.build_program(settings)
    door = build_door(settings, bootstrap.build_advisor(settings, office), office)
    watch_index(settings)
    handler = SocketModeHandler(door.app, token, web_client=door.client)
    door.workers.start()
    handler.connect()  # type: ignore[no-untyped-call]
    announce(
        "Listening to Slack over a socket. Ctrl-C ends it; what is not answered yet is answered after the next start."
    )
    try:
        until()
    finally:
        handler.close()  # type: ignore[no-untyped-call]
        door.workers.stop()
