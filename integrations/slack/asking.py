"""Questions and what follows an answer: more detail, share, ask a human, feedback."""

from __future__ import annotations

import re

from slack_sdk.errors import SlackClientError

from advisor.domain.dialogue import Answer, Role
from advisor.domain.identity import Caller
from advisor.domain.work import Feedback, NewWork
from advisor.errors import NotFoundError
from integrations.slack.blocks import clip, context, render_answer, render_markdown, say
from integrations.slack.desk import Asker, Desk, Request, admit, name_answer, name_conversation, read_text
from integrations.slack.outgoing import Place, post_all, replace_private, stream
from integrations.slack.pages import render_proposals

_QUESTION = re.compile(
    r"\?\s*$|^(?:how|what|why|who|whose|whom|when|where|which|should|shall|is|are|do|does|did|can|could|may|must|will|would|"
    r"have|has|had|am|tell|explain|show|list|give|compare|describe|define|help|hi|hello|hey|thanks|thank|and|more)\b",
    re.I,
)
_NOTHING = "What would you like to know? For example: How should we choose KPIs?"


def ask(desk: Desk, request: Request, *, private: bool = False, reads_status: bool = True) -> list[NewWork]:
    """Answer a question, or read a status in plain words, where it was asked."""
    asker = admit(desk, request, private=private)
    text = read_text(request.text, desk)
    if not text:
        return post_all(request.key, asker.place, [say(_NOTHING)])
    if reads_status and not _QUESTION.search(text):
        proposals = desk.office.read_message(asker.person.caller, text)
        if any(proposal.says or proposal.changes for proposal in proposals):
            register = desk.office.read_register(asker.person.caller)
            return post_all(request.key, request.privately, [render_proposals(proposals, text, register)])
    _show_work(desk, asker.place)
    answer = desk.advisor.ask(
        asker.reader,
        text,
        role=asker.person.role.value,
        conversation_id=name_conversation(request, asker.reader),
        start=True,
        answer_id=name_answer(request, asker.reader),
    )
    return deliver(desk, request, asker, answer)


def deliver(desk: Desk, request: Request, asker: Asker, answer: Answer) -> list[NewWork]:
    """Return the work that puts an answer before its readers."""
    messages = render_answer(answer, private=asker.is_private)
    if desk.streaming and asker.place.is_direct and asker.place.thread:
        return stream(request.key, asker.place, render_markdown(answer), messages)
    return post_all(request.key, asker.place, messages)


def tell_more(desk: Desk, request: Request) -> list[NewWork]:
    """Give the longest shape of an answer: what an engineer is told on the same question."""
    answer, reader = find_answer(desk, request)
    asker = admit(desk, request)
    place = asker.place if reader == asker.reader else request.privately
    more = desk.advisor.ask(
        reader,
        answer.query or answer.question,
        role=Role.ENGINEER.value,
        conversation_id=answer.conversation_id,
        answer_id=name_answer(request, reader),
    )
    return deliver(desk, request, Asker(asker.person, reader, place), more)


def share(desk: Desk, request: Request) -> list[NewWork]:
    """Post for everyone in the channel what everyone there may see of an answer that was private."""
    private, _ = find_answer(desk, request)
    person = desk.people.find(request.user, request.team)
    desk.people.check_channel(request.channel)
    audience = desk.people.find_audience(request.channel, request.team)
    shared = desk.advisor.ask(
        audience,
        private.query or private.question,  # a follow-up, as it stands alone
        role=person.role.value,
        conversation_id=name_conversation(request, audience),
        start=True,
        answer_id=name_answer(request, audience),
    )
    place = Place(request.channel, request.thread, request.user)
    by = context(f"{person.name} asked: {clip(private.question, 300)}")
    first, *rest = render_answer(shared)
    messages = [first._replace(blocks=[by, *first.blocks]), *rest]
    return [
        *post_all(request.key, place, messages),
        replace_private(f"{request.key}/shared", request.in_place, say("Shared with the channel.")),
    ]


def keep_private(_: Desk, request: Request) -> list[NewWork]:
    """Take the buttons away and leave nothing in the channel."""
    return [replace_private(request.key, request.in_place, say("Kept private. Nothing was posted."))]


def ask_human(desk: Desk, request: Request) -> list[NewWork]:
    """Pass a question on to the channel where people answer."""
    answer, _ = find_answer(desk, request)
    if not desk.help_channel:
        text = "Nobody is set up to answer yet. Your administrator can name a channel in ADVISOR_SLACK_HELP_CHANNEL."
        return post_all(request.key, request.privately, [say(text)])
    person = desk.people.find(request.user, request.team)
    desk.people.check_channel(desk.help_channel)
    meant = f" (on: {answer.query})" if answer.query not in {"", answer.question} else ""
    asked = f"{person.name} asks: {answer.question}{meant} Please reply to {person.name} directly."
    return [
        *post_all(f"{request.key}/human", Place(desk.help_channel, user=request.user), [say(asked)]),
        *post_all(request.key, request.privately, [say("Passed on. Someone will get back to you.")]),
    ]


def take_feedback(desk: Desk, request: Request) -> list[NewWork]:
    """Remember what the reader thinks of an answer."""
    verdict, _, answer_id = request.value.partition("/")
    cited = int(verdict.removeprefix("source-")) if verdict.startswith("source-") else None
    answer, reader = find_answer(desk, request._replace(value=answer_id))
    reason = ": ".join(request.values[name] for name in ("reason", "comment") if name in request.values)
    if cited is not None:
        reason = "The source does not hold what it is cited for"
    feedback = Feedback(answer_id=answer.id, helpful=verdict == "yes", reason=reason, citation=cited)
    desk.advisor.record_feedback(reader, feedback)
    if verdict == "yes" or reason:
        return post_all(request.key, request.privately, [say("Thank you, noted.")])
    return []


def find_answer(desk: Desk, request: Request) -> tuple[Answer, Caller]:
    """Return an answer that the user can see here, and the reader whom it was given to."""
    person = desk.people.find(request.user, request.team)
    readers = [person.caller]
    if not request.is_direct:
        readers.append(desk.people.find_audience(request.channel, request.team))
    for reader in readers:
        try:
            return desk.advisor.get_answer(reader, request.value), reader
        except NotFoundError:
            continue
    raise NotFoundError("That answer is no longer known.", "Ask the question again.")


def _show_work(desk: Desk, place: Place) -> None:
    """Show in a direct message that the advisor is at work, with Slack's stop button."""
    if not (place.is_direct and place.thread):
        return
    try:
        desk.client.agents_sessions_setStatus(
            channel_id=place.channel, thread_ts=place.thread, status="processing", initiator_user_id=place.user
        )
        desk.client.assistant_threads_setStatus(
            channel_id=place.channel, thread_ts=place.thread, status="is reading the playbooks ..."
        )
    except (SlackClientError, OSError):
        return  # a courtesy: without it the answer still comes
