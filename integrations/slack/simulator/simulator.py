"""A simulated Slack: a workspace to act in, a Web API to call, and a record of everything."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import httpx

from integrations.slack.simulator import payloads
from integrations.slack.simulator.delivery import Delivery
from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.faults import Faults
from integrations.slack.simulator.files import File
from integrations.slack.simulator.people import People
from integrations.slack.simulator.server import Server
from integrations.slack.simulator.sockets import Sockets
from integrations.slack.simulator.transcript import render
from integrations.slack.simulator.web_api import Call, WebApi
from integrations.slack.simulator.world import APP_ID, BOT_USER_ID, TEAM_ID, Channel, Message, SlackUser, World


class Simulator(People):
    """One workspace with one app, served on a random local port between `start` and `stop`."""

    bot_user_id = BOT_USER_ID
    team_id = TEAM_ID
    app_id = APP_ID

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        signing_secret: str = "simulated-signing-secret",  # noqa: S107 (made for the simulation)
        bot_token: str = "xoxb-sim",  # noqa: S107 (made for the simulation)
        app_token: str = "xapp-sim",  # noqa: S107 (made for the simulation)
        seed: int = 0,
    ) -> None:
        world = World(clock, seed)
        self.sockets = Sockets(world)
        super().__init__(world, Delivery(world, self.sockets, signing_secret))
        world.issue_ticket = self.sockets.issue_ticket
        self.signing_secret, self.bot_token, self.app_token = signing_secret, bot_token, app_token
        self.faults = Faults(seed)
        self.echo_own = False
        self._api = WebApi(world, bot_token=bot_token, app_token=app_token, after_call=self._send_echoes)
        self._server = Server(world, self._api, self.sockets, self.faults)
        self._background = ThreadPoolExecutor(4, "slack-echo")

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve in the background."""
        self._server.start()

    def stop(self) -> None:
        """Stop serving; what happened can still be looked at."""
        self._server.stop()
        self._background.shutdown(wait=False, cancel_futures=True)
        self.delivery.close()

    @property
    def base_url(self) -> str:
        """Return the base URL for a Web API client."""
        return f"http://127.0.0.1:{self._server.port}/api/"

    @property
    def base_of_responses(self) -> str:
        """Return the address that response URLs start with."""
        return f"http://127.0.0.1:{self._server.port}/response/"

    @property
    def events_url(self) -> str | None:
        """Return where the app takes signed HTTP, or None for Socket Mode."""
        return self.delivery.url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self.delivery.url = url

    def add_user(self, id: str, name: str, email: str = "", kind: str = "member") -> SlackUser:  # noqa: A002
        """Add someone to the workspace."""
        with self.world.lock:
            self.world.users[id] = SlackUser(id, name, email, kind)
            return self.world.users[id]

    def add_channel(
        self,
        id: str,  # noqa: A002
        name: str,
        members: Sequence[str] = (),
        private: bool = False,
        shared: bool = False,
        bot: bool = True,
    ) -> Channel:
        """Add a channel; the app is in it unless `bot` is False."""
        with self.world.lock:
            joined = [*members, BOT_USER_ID] if bot else list(members)
            for member in joined:
                self.world.user(member)
            self.world.channels[id] = Channel(id, name, joined, private, shared)
            return self.world.channels[id]

    def add_usergroup(self, id: str, handle: str, members: Sequence[str] = ()) -> None:  # noqa: A002
        """Add a user group."""
        with self.world.lock:
            group = {"id": id, "team_id": TEAM_ID, "is_usergroup": True, "handle": handle, "name": handle}
            self.world.usergroups[id] = group | {"users": list(members), "user_count": len(members)}

    def dm(self, user: str) -> str:
        """Return the id of the direct message between the app and someone."""
        with self.world.lock:
            return self.world.dm(user).id

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """Return what everyone sees in a channel, or in one thread, in order."""
        with self.world.lock:
            self.world.expire_streams()
            shown = [m for m in self.world.channels[channel].messages if m.only_for is None and not m.deleted]
            return [copy.deepcopy(m) for m in shown if thread_ts is None or thread_ts in {m.ts, m.thread_ts}]

    def ephemerals(self, user: str, channel: str | None = None) -> list[Message]:
        """Return what only this person sees."""
        with self.world.lock:
            places = [c for c in self.world.channels.values() if channel in {None, c.id}]
            found = [m for place in places for m in place.messages if m.only_for == user and not m.deleted]
            return [copy.deepcopy(m) for m in sorted(found, key=lambda m: m.ts)]

    @property
    def files(self) -> list[File]:
        """Return every file that was uploaded, oldest first."""
        with self.world.lock:
            return [copy.deepcopy(file) for file in self.world.files.values()]

    def status(self, channel: str, thread_ts: str) -> Json | None:
        """Return the status the app shows in a thread, if any."""
        with self.world.lock:
            return copy.deepcopy(self.world.statuses.get((channel, thread_ts)))

    def session(self, channel: str, thread_ts: str) -> Json:
        """Return the status and title of an agent session."""
        with self.world.lock:
            return copy.deepcopy(self.world.sessions.get((channel, thread_ts), {}))

    def prompts(self, channel: str) -> Json | None:
        """Return the prompts the app suggests in a direct message, if any."""
        with self.world.lock:
            return copy.deepcopy(self.world.prompts.get(channel))

    @property
    def calls(self) -> list[Call]:
        """Return every Web API call so far."""
        with self.world.lock:
            return list(self._api.calls)

    def call_count(self, method: str) -> int:
        """Return how often a method was called."""
        return sum(call.method == method for call in self.calls)

    @property
    def warnings(self) -> list[str]:
        """Return what the app did that Slack would let pass but frown at."""
        return self.world.warnings

    def post_signed(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str | None] | None = None,
        *,
        timestamp: str | None = None,
        signature: str | None = None,
    ) -> httpx.Response:
        """Post a body signed as Slack does, or with what is given instead; a header of None is left out."""
        return self.delivery.post_signed(url, body, headers, timestamp=timestamp, signature=signature)

    def disconnect_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask all connected clients to connect anew."""
        self.sockets.disconnect(reason)

    def render_transcript(self, title: str = "Slack transcript") -> str:
        """Return everything that was said as one HTML page."""
        with self.world.lock:
            self.world.expire_streams()
            return render(self.world, title)

    def _send_echoes(self) -> None:
        echoes, self.world.echoes[:] = list(self.world.echoes), []
        for channel, message in echoes if self.echo_own else []:
            event = payloads.message_event(self.world, channel, message)
            self._background.submit(self.send_event, event)
