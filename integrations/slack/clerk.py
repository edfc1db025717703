"""Handles what came in, one piece at a time: each ends in work for the outbox, or is tried again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from slack_sdk.errors import SlackApiError, SlackClientError

from advisor.domain.work import NewWork, Queue, Work
from advisor.errors import AdvisorError
from advisor.ports import WorkQueue
from integrations.slack import asking, files, home, jobs, program
from integrations.slack.blocks import say
from integrations.slack.desk import Desk, Request, read_request
from integrations.slack.outgoing import post_all
from integrations.slack.people import RefusedError

LEASE_SECONDS = 120.0
MOST_ATTEMPTS = 8
_LONGEST_WAIT = 60.0
_UNKNOWN = frozenset({"user_not_found", "users_not_found", "user_not_visible"})
_log = logging.getLogger(__name__)
Handler = Callable[[Desk, Request], list[NewWork]]

HANDLERS: dict[str, Handler] = {
    "ask": asking.ask,
    "ask_privately": lambda desk, request: asking.ask(desk, request, private=True, reads_status=False),
    "more_detail": asking.tell_more,
    "share": asking.share,
    "keep_private": asking.keep_private,
    "ask_human": asking.ask_human,
    "feedback": asking.take_feedback,
    "command": program.run_command,
    "offer_drafts": program.offer_drafts,
    "confirm_status": program.confirm_status,
    "dismiss": program.dismiss,
    "assess": program.answer_assessment,
    "check_in": program.submit_check_in,
    "item": program.submit_item,
    "home": home.publish_home,
    "report": lambda desk, request: files.send_report(desk, request, request.value),
    "adopt": program.submit_adoption,
    "stopped": lambda _, __: [],
    "weekly": jobs.run_weekly,
    "remind": jobs.remind,
}


class Clerk:
    """Takes one piece of what came in and handles it. Any number may work side by side."""

    def __init__(
        self,
        queue: WorkQueue,
        desk: Desk,
        *,
        clock: Callable[[], float] = time.time,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._queue = queue
        self._desk = desk
        self._clock = clock
        self._lease = lease

    def handle_next(self) -> bool:
        """Handle the next piece, if there is one; return whether there was."""
        work = self._queue.take(Queue.IN, self._clock(), lease=self._lease)
        if work is None:
            return False
        request = read_request(work.payload)
        try:
            follow = HANDLERS[work.payload["kind"]](self._desk, request)
        except RefusedError as error:
            follow = _tell(request, error.told)
        except AdvisorError as error:
            follow = _tell(request, f"{error.problem} {error.remedy}")
        except (SlackClientError, OSError) as error:
            if isinstance(error, SlackApiError) and error.response.get("error") in _UNKNOWN:
                follow = _tell(request, "The advisor answers people of this workspace only.")
            elif work.attempts < MOST_ATTEMPTS:
                _log.warning("Slack did not answer (%s); trying again", type(error).__name__)
                self._queue.postpone(work, self._clock() + min(2.0**work.attempts, _LONGEST_WAIT))
                return True
            else:
                follow = self._apologise(work, request, error)
        except Exception as error:  # noqa: BLE001  whatever happens, the person hears of it
            if work.attempts < 3:
                self._queue.postpone(work, self._clock() + work.attempts)
                return True
            follow = self._apologise(work, request, error)
        self._queue.finish(work, self._clock(), follow=follow)
        return True

    def _apologise(self, work: Work, request: Request, error: Exception) -> list[NewWork]:
        _log.error("Gave up on entry %s of the inbox: %s", work.number, type(error).__name__)
        text = (
            f"Sorry, something went wrong on our side and I could not answer. Please try again later. (#{work.number})"
        )
        return _tell(request, text)


def _tell(request: Request, text: str) -> list[NewWork]:
    """Return the one reply to a request that has no answer; in a channel only its author sees it."""
    if not request.user:
        return []
    return post_all(request.key, request.privately, [say(text)])
