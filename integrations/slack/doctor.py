"""Says what is misconfigured, one line a check."""

from __future__ import annotations

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from advisor.doctor import Check, run_checks
from advisor.errors import InvalidInputError, UnavailableError
from advisor.settings import Settings
from integrations.slack.jobs import find_slot
from integrations.slack.manifest import BOT_SCOPES
from integrations.slack.service import identify, open_client


def check_slack(settings: Settings) -> list[Check]:
    """Look at tokens, scopes, transport and channels; never raise."""
    client = open_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    return run_checks(
        {
            "Bot token": lambda: _check_bot(settings, client),
            "Transport": lambda: _check_transport(settings),
            "Help channel": lambda: _check_channel(settings, client, "slack_help_channel"),
            "Digest channel": lambda: _check_channel(settings, client, "slack_digest_channel"),
            "Weekly work": lambda: f"{find_slot(settings.slack_weekly, 2e9):%A %H:%M} UTC",
            "People": lambda: f"{len(settings.people)} known by e-mail; everyone else may contribute and has no groups",
        }
    )


def _check_bot(settings: Settings, client: WebClient) -> str:
    token = settings.slack_bot_token.get_secret_value()
    if not token.startswith("xoxb-"):
        raise InvalidInputError(
            "ADVISOR_SLACK_BOT_TOKEN is not a bot token (xoxb-...).",
            "Make the app from `advisor slack manifest`, install it, and copy the bot token.",
        )
    identity = identify(client)
    granted = set(str(identity.headers.get("x-oauth-scopes", "")).replace(" ", "").split(",")) - {""}
    if granted and (missing := set(BOT_SCOPES) - granted):
        raise InvalidInputError(
            f"The app lacks the scopes {', '.join(sorted(missing))}.",
            "Update it from `advisor slack manifest` and install it again.",
        )
    return f"{identity['user']} in {identity['team']}"


def _check_transport(settings: Settings) -> str:
    if settings.slack_transport == "http":
        if not settings.slack_signing_secret.get_secret_value():
            raise InvalidInputError(
                "ADVISOR_SLACK_SIGNING_SECRET is not set.", "Copy it from the app's basic information."
            )
        return "http: Slack posts to /slack/events beside the API"
    token = settings.slack_app_token.get_secret_value()
    if not token.startswith("xapp-"):
        raise InvalidInputError(
            "ADVISOR_SLACK_APP_TOKEN is not an app token (xapp-...).",
            "Make one with the scope connections:write in the app's basic information.",
        )
    try:
        open_client(token, settings.slack_api_url).apps_connections_open(app_token=token)
    except SlackApiError as error:
        raise UnavailableError(
            f"Slack refuses the app token ({error.response.get('error')}).", "Make a new one with connections:write."
        ) from None
    except OSError:
        raise UnavailableError("Slack cannot be reached.", "Check the network.") from None
    return "socket: no inbound network is needed"


def _check_channel(settings: Settings, client: WebClient, name: str) -> str:
    channel, variable = getattr(settings, name), f"ADVISOR_{name.upper()}"
    if not channel:
        return f"none set ({variable})"
    try:
        found: Any = client.conversations_info(channel=channel)["channel"]
    except SlackApiError as error:
        raise InvalidInputError(
            f"{variable}: {channel} cannot be used ({error.response.get('error')}).", "Give a channel id like C0123."
        ) from None
    except OSError:
        raise UnavailableError("Slack cannot be reached.", "Check the network.") from None
    if not found.get("is_member", True):
        raise InvalidInputError(f"The app is not a member of #{found['name']}.", "Invite it there.")
    return f"#{found['name']}"
