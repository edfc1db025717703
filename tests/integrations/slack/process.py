"""Runs the Slack door until it is killed; for test_delivery.py.

Usage: python -m tests.integrations.slack.process DATA_DIR DATABASE_URL API_URL
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pydantic import SecretStr
from slack_bolt.adapter.socket_mode import SocketModeHandler

from advisor.bootstrap import build_advisor, build_program
from advisor.settings import Settings
from integrations.slack.service import build_door


def main() -> None:
    data, database, api = sys.argv[1:4]
    settings = Settings(
        _env_file=None, data_dir=Path(data), database_url=database, slack_api_url=api,
        slack_bot_token=SecretStr("xoxb-sim"), slack_app_token=SecretStr("xapp-sim"),
    )  # fmt: skip
    office = build_program(settings)
    door = build_door(settings, build_advisor(settings, office), office, lease=4, pace=0, idle=0.1)
    door.workers.start()
    SocketModeHandler(door.app, "xapp-sim", web_client=door.client).connect()  # type: ignore[no-untyped-call]
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
