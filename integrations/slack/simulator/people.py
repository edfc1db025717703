"""What people do in the pretended workspace, each delivered to the app before the call returns."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from integrations.slack.simulator import inputs, payloads, views
from integrations.slack.simulator.delivery import Delivery, Reply
from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.limits import check_view
from integrations.slack.simulator.web_api import apply_response
from integrations.slack.simulator.world import BOT_USER_ID, Channel, Message, World


class People(ABC):
    """Act as the people of the workspace."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self.world = world
        self.delivery = delivery
        self.message_events = False

    @property
    @abstractmethod
    def base_of_responses(self) -> str:
        """Return the address that response URLs start with."""

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Write a message and return its ts."""
        message, events = self._write(user, channel, text, thread_ts)
        for event in events:
            self.send_event(event)
        return message.ts

    def write(self, user: str, channel: str, text: str) -> Json:
        """Write a message that the app is told of, and return the payload for whoever brings it there."""
        _, events = self._write(user, channel, text, None)
        with self.world.lock:
            return payloads.event_callback(self.world, events[0])

    def _write(self, user: str, channel: str, text: str, thread_ts: str | None) -> tuple[Message, list[Json]]:
        with self.world.lock:
            place = self._place(user, channel)
            root = self.world.thread_root(place, thread_ts)
            blocks = payloads.rich_text(text, self.world.new_id("b"))
            message = self.world.post(place, user, text=text, blocks=blocks, thread_ts=root)
            kinds = []
            if not place.is_im and f"<@{BOT_USER_ID}>" in text:
                kinds.append("app_mention")
            if place.is_im or self.message_events:
                kinds.append("message")
            if BOT_USER_ID not in place.members:
                kinds = []
            return message, [payloads.message_event(self.world, place, message, kind) for kind in kinds]

    def send_event(self, event: Json, event_id: str | None = None) -> bool:
        """Deliver an event as it is and return whether it was acknowledged."""
        with self.world.lock:
            payload = payloads.event_callback(self.world, event, event_id)
        return self.delivery.event(payload)

    def open_agent_tab(self, user: str, context: Sequence[Json] | None = None) -> None:
        """Open the agent tab, where `context` lists what the person looks at."""
        with self.world.lock:
            place = self.world.dm(user)
            event: Json = {"type": "app_home_opened", "user": user, "channel": place.id, "tab": "messages"}
            event["event_ts"] = self.world.new_ts()
            if context:
                event["context"] = {"entities": list(context)}
        self.send_event(event)
        if context:
            self.send_event(
                {key: value for key, value in event.items() if key != "tab"} | {"type": "app_context_changed"}
            )

    def open_home(self, user: str) -> None:
        """Open the Home tab."""
        with self.world.lock:
            place = self.world.dm(user)
            event: Json = {"type": "app_home_opened", "user": user, "channel": place.id, "tab": "home"}
            event["event_ts"] = self.world.new_ts()
        self.send_event(event)

    def home_of(self, user: str) -> Json | None:
        """Return the Home tab that this person sees, if one was published."""
        with self.world.lock:
            return copy.deepcopy(self.world.homes.get(user))

    def click_home(self, user: str, action_id: str, value: Any = None) -> None:
        """Use an element of the Home tab; raise LookupError when it is not there."""
        with self.world.lock:
            view = self.world.homes.get(user)
            if view is None:
                raise LookupError(f"{user} has no Home tab")
            block, element = inputs.find_element(view["blocks"], action_id, None, value)
            action = inputs.action_of(block, element, value, self.world.new_ts())
            where = payloads.view_place(view)
            payload = payloads.interaction(
                self.world, self.world.user(user), "block_actions", actions=[action], **where
            )
        self.delivery.interaction(payload)

    def stop_agent(self, user: str, channel: str, thread_ts: str) -> None:
        """Press the stop button of a running agent session."""
        with self.world.lock:
            self.world.expire_streams()
            place = self._place(user, channel)
            streaming = [m.ts for m in place.messages if m.streaming and m.thread_ts == thread_ts]
            event: Json = {"type": "agent_session_stopped", "user": user, "channel": channel, "thread_ts": thread_ts}
            event |= {"streaming_message_ts": streaming, "event_ts": self.world.new_ts()}
        self.send_event(event)

    def command(self, user: str, channel: str, name: str, text: str = "") -> Json:
        """Use a slash command and return the body of the acknowledgement."""
        with self.world.lock:
            place = self._place(user, channel)
            token = self.world.new_response_url(place.id, user)
            url = self.base_of_responses + token
            payload = payloads.command(self.world, self.world.user(user), place, name, text, url)
        reply = self.delivery.command(payload)
        if reply.body.get("text") or reply.body.get("blocks"):
            self._apply(lambda: apply_response(self.world, token, reply.body), f"the answer to {name}")
        return reply.body

    def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        value: Any = None,
        block_id: str | None = None,
        selected: Any = None,
    ) -> None:
        """Use a button, menu or other element of a message; raise LookupError when it is not there."""
        with self.world.lock:
            place = self._place(user, channel)
            message = self._visible(place, ts, user)
            block, element = inputs.find_element(message.blocks, action_id, block_id, value)
            chosen = value if selected is None else selected
            action = inputs.action_of(block, element, chosen, self.world.new_ts())
            self._keep(message.state, message.blocks, block, element, chosen)
            state = {"values": inputs.state_values(message.blocks, message.state)}
            where = payloads.message_place(self.world, place, message)
            token = self.world.new_response_url(place.id, user, message.ts)
            where |= {"state": state, "response_url": self.base_of_responses + token, "actions": [action]}
            payload = payloads.interaction(self.world, self.world.user(user), "block_actions", **where)
        self.delivery.interaction(payload)

    def shortcut(self, user: str, callback_id: str) -> None:
        """Use a global shortcut."""
        with self.world.lock:
            fields = {"callback_id": callback_id, "action_ts": self.world.new_ts()}
            payload = payloads.interaction(self.world, self.world.user(user), "shortcut", **fields)
        self.delivery.interaction(payload)

    def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> None:
        """Use a shortcut on a message."""
        with self.world.lock:
            place = self._place(user, channel)
            message = self._visible(place, ts, user)
            where = payloads.message_place(self.world, place, message)
            del where["container"]
            token = self.world.new_response_url(place.id, user, message.ts)
            fields = {"callback_id": callback_id, "action_ts": self.world.new_ts(), "message_ts": ts}
            fields["response_url"] = self.base_of_responses + token
            person = self.world.user(user)
            payload = payloads.interaction(self.world, person, "message_action", **fields, **where)
        self.delivery.interaction(payload)

    def view_of(self, user: str) -> Json | None:
        """Return the modal this person sees, if any."""
        with self.world.lock:
            stack = self.world.views.get(user)
            return copy.deepcopy(stack[-1]) if stack else None

    def submit(self, user: str, values: dict[str, Any]) -> Json:
        """Fill in and submit the modal this person sees; return the body of the acknowledgement."""
        with self.world.lock:
            view = self._top(user)
            filled = inputs.fill(view["blocks"], view["state"]["values"], values)
            inputs.check_form(view["blocks"], filled)
            view["state"]["values"] = filled
            sent = copy.deepcopy(view)
            payload = payloads.interaction(self.world, self.world.user(user), "view_submission", view=sent)
            payload["response_urls"] = []
        reply = self.delivery.interaction(payload)
        self._apply(lambda: self._after_submit(user, sent, reply), "the answer to view_submission")
        return reply.body

    def click_in_view(self, user: str, action_id: str, value: Any = None) -> None:
        """Use an element of the modal this person sees."""
        with self.world.lock:
            view = self._top(user)
            block, element = inputs.find_element(view["blocks"], action_id, None, value)
            action = inputs.action_of(block, element, value, self.world.new_ts())
            self._keep(view["state"]["values"], view["blocks"], block, element, value)
            if block["type"] == "input" and not block.get("dispatch_action"):
                return
            where = payloads.view_place(view)
            person = self.world.user(user)
            payload = payloads.interaction(self.world, person, "block_actions", actions=[action], **where)
        self.delivery.interaction(payload)

    def _after_submit(self, user: str, sent: Json, reply: Reply) -> None:
        if not reply.acknowledged:
            return
        stack = self.world.views.get(user) or []
        action, new = reply.body.get("response_action"), reply.body.get("view")
        if action == "errors":
            ids = {block["block_id"] for block in sent["blocks"] if block["type"] == "input"}
            unknown = sorted(set(reply.body.get("errors") or {}) - ids)
            if unknown or not reply.body.get("errors"):
                self.world.warnings.append(f"errors name no input block: {', '.join(unknown)}")
            return
        self.world.submissions.append({"user": user, "ts": self.world.new_ts(), "view": sent})
        place = next((index for index, view in enumerate(stack) if view["id"] == sent["id"]), None)
        if action == "clear":
            stack.clear()
        elif action == "update" and place is not None:
            check_view(new)
            stack[place] = views.new_view(self.world, new or {}, old=stack[place])
        elif action == "push":
            check_view(new)
            views.push(self.world, user, new or {})
        elif place is not None:
            del stack[place]

    def _apply(self, change: Callable[[], None], what: str) -> None:
        with self.world.lock:
            try:
                change()
            except ApiError as error:
                self.world.warnings.append(f"{what} was not usable: {error}")

    def _keep(self, kept: dict[str, Json], blocks: list[Json], block: Json, element: Json, value: Any) -> None:
        if element["action_id"] in inputs.state_values(blocks, {}).get(block["block_id"], {}):
            kept.setdefault(block["block_id"], {})[element["action_id"]] = inputs.value_of(element, value)

    def _place(self, user: str, channel: str) -> Channel:
        self.world.user(user)
        place = self.world.channels.get(channel)
        if place is None or user not in place.members:
            raise LookupError(f"{user} is not in {channel}")
        return place

    def _visible(self, place: Channel, ts: str, user: str) -> Message:
        for message in place.messages:
            if message.ts == ts and not message.deleted and message.only_for in {None, user}:
                return message
        raise LookupError(f"{user} sees no message {ts} in {place.id}")

    def _top(self, user: str) -> Json:
        stack = self.world.views.get(user)
        if not stack:
            raise LookupError(f"{user} has no modal open")
        return stack[-1]
