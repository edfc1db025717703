"""A simulator of Slack for tests and demonstrations."""

from __future__ import annotations

from integrations.slack.simulator.delivery import Attempt
from integrations.slack.simulator.faults import Fault
from integrations.slack.simulator.simulator import Simulator
from integrations.slack.simulator.web_api import Call
from integrations.slack.simulator.world import Message, SlackUser

__all__ = ["Attempt", "Call", "Fault", "Message", "Simulator", "SlackUser"]
