"""The app's manifest: what Slack has to know to install it. Scopes are the fewest that the calls in use need."""

from __future__ import annotations

from typing import Any

from integrations.slack.app import ASK_ABOUT, CHECK_IN, COMMAND

BOT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "users:read",
    "users:read.email",
)
BOT_EVENTS = ("agent_session_stopped", "app_home_opened", "app_mention", "message.im")
NAME = "Operating-Model Advisor"


def make_manifest(*, transport: str = "socket", url: str = "") -> dict[str, Any]:
    """Return the manifest; with transport `http` Slack sends everything to `url`/slack/events."""
    socket = transport == "socket"
    request = {} if socket else {"url": f"{url.rstrip('/')}/slack/events"}
    request_url = {} if socket else {"request_url": f"{url.rstrip('/')}/slack/events"}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": NAME,
            "description": "Cited answers on your AI program, and the state it is in.",
            "background_color": "#1d4f91",
        },
        "features": {
            "agent_view": {
                "agent_description": "Answers questions on scaling industrial AI from your playbooks, with sources.",
                "suggested_prompts": [
                    {"title": "Where we are weakest", "message": "Where are we weakest?"},
                    {"title": "Ready for the next gate", "message": "Are we ready for the next gate?"},
                ],
            },
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "advisor", "always_online": True},
            "shortcuts": [
                {
                    "name": "Ask the advisor about this",
                    "type": "message",
                    "callback_id": ASK_ABOUT,
                    "description": "Ask the advisor, for your eyes only",
                },
                {
                    "name": "Check in",
                    "type": "global",
                    "callback_id": CHECK_IN,
                    "description": "Report the status of an initiative",
                },
            ],
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": "Ask, check in, see gaps, gates and checklists",
                    "usage_hint": "ask | status | initiatives | gaps | gates | report | checklist | assess",
                    "should_escape": True,
                    **request,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(BOT_EVENTS), **request_url},
            "interactivity": {"is_enabled": True, **request_url},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }
