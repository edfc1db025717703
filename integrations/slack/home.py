"""The Home tab: what is mine, what I am to do, where the program stands, what is stale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from advisor.domain.checklist import ChecklistItem
from advisor.domain.gaps import GapSummary, StatusLine
from advisor.domain.identity import Permission
from advisor.domain.work import NewWork, Queue
from advisor.program.reports.wording import word_day
from integrations.slack.blocks import (
    Kit,
    actions,
    bullets,
    button,
    clip,
    context,
    escape,
    header,
    paragraph,
    run,
)
from integrations.slack.desk import Desk, Request
from integrations.slack.people import RefusedError

MOST_MINE = 15
_MOST_STALE = 10


class Home(NamedTuple):
    """What one person's tab shows."""

    name: str
    summary: GapSummary
    lines: tuple[StatusLine, ...]
    items: tuple[ChecklistItem, ...]
    writes: bool

    @property
    def mine(self) -> list[StatusLine]:
        """The initiatives that the person answers for."""
        return [line for line in self.lines if _same(line.owner, self.name)]

    @property
    def tasks(self) -> list[ChecklistItem]:
        """The open actions of the person, the most overdue first."""
        own = [item for item in self.items if _same(item.owner, self.name)]
        return sorted(own, key=lambda item: (item.due_on is None, str(item.due_on)))

    @property
    def stale(self) -> list[StatusLine]:
        """The initiatives whose status is older than their check-in cadence, the oldest first."""
        return sorted((line for line in self.lines if line.missed), key=lambda line: -line.missed)


def publish_home(desk: Desk, request: Request) -> list[NewWork]:
    """Draw someone's tab anew; who may not ask is told so there."""
    try:
        person = desk.people.find(request.user, request.team)
    except RefusedError as error:
        blocks = [paragraph(run(error.told))]
    else:
        office, caller = desk.office, person.caller
        home = Home(
            person.name,
            office.summarise(caller),
            office.list_status(caller),
            office.list_items(caller),
            writes=caller.may(Permission.CONTRIBUTOR),
        )
        blocks = render_home(home)
    desk.client.views_publish(user_id=request.user, view={"type": "home", "blocks": blocks})
    return []


def refresh_home(request: Request) -> list[NewWork]:
    """Return the work that draws a person's tab anew after they changed something."""
    key = f"{request.key}/home"
    payload = {"kind": "home", "key": key, "team": request.team, "user": request.user, "channel": ""}
    return [NewWork(queue=Queue.IN, key=key, lane=f"home/{request.user}", payload=payload)]


def render_home(home: Home) -> list[Kit]:
    """Return the blocks of the tab."""
    summary = home.summary
    check_in = [button("Check in", "open_check_in", style="primary")] if home.writes else []
    blocks: list[Kit] = [
        header(f"AI program, {word_day(summary.as_of)} {summary.as_of.year}"),
        paragraph(run(summary.headline, bold=True)),
        paragraph(run("Decision wanted: ", bold=True), run(summary.decision)),
        actions(*check_in, button("Gaps", "show_gaps"), button("Gates", "show_gates"),
                button("Slides", "report_pptx", "pptx")),
    ]  # fmt: skip
    if not summary.empty:
        blocks += [*_render_glance(summary), *_render_mine(home), *_render_tasks(home), *_render_stale(home.stale)]
    register = f"Register up to entry {summary.entries}, as of {word_day(summary.as_of)} {summary.as_of.year}"
    return [*blocks, context(f"{register}. You see what you may see.")]


def _render_glance(summary: GapSummary) -> list[Kit]:
    told = [
        ("Initiatives", f"{summary.initiatives}: " + ", ".join(f"{n} {phase}" for phase, n in summary.by_phase)),
        ("Reporting on time", f"{summary.fresh} of {summary.initiatives}"),
        ("Lacking an exit criterion", f"{summary.blocked}"),
        ("Open gaps", f"{summary.open_gaps}"),
        ("Overdue actions", f"{len(summary.overdue)}"),
        ("Stalled", ", ".join(summary.stalled) or "none"),
    ]
    fields = [
        {"type": "mrkdwn", "text": f"*{title}*\n{escape(clip(said, 1_000))}", "verbatim": True} for title, said in told
    ]
    return [{"type": "divider"}, {"type": "section", "fields": fields}]


def _render_mine(home: Home) -> list[Kit]:
    blocks = [{"type": "divider"}, header("My initiatives")]
    if not home.mine:
        return [*blocks, context("The register names you as the owner of none.")]
    for line in home.mine[:MOST_MINE]:
        age = "no status yet" if line.age is None else f"status {line.age} days old"
        said = f"*{escape(clip(line.name, 200))}*\n{escape(line.health)}, {escape(line.stage.words)}, {age}"
        blocks.append(_row(said, button("Check in", "open_check_in", line.initiative) if home.writes else None))
    return [*blocks, *_more(len(home.mine))]


def _render_tasks(home: Home) -> list[Kit]:
    blocks = [{"type": "divider"}, header("My actions")]
    if not home.tasks:
        return [*blocks, context("Nothing is open for you.")]
    for item in home.tasks[:MOST_MINE]:
        due = f"due {word_day(item.due_on)}" if item.due_on else "no date"
        late = ", *overdue*" if item.overdue else ""
        said = f"{escape(clip(item.title, 500))}\n{escape(clip(item.where, 100))}, {due}{late}"
        blocks.append(_row(said, button("Open", "open_item", item.id) if home.writes else None))
    return [*blocks, *_more(len(home.tasks))]


def _render_stale(stale: Sequence[StatusLine]) -> list[Kit]:
    blocks = [{"type": "divider"}, header("Stale")]
    if not stale:
        return [*blocks, context("Every initiative reports on time.")]
    rows = [
        [
            run(line.name, bold=True),
            run(f": {line.owner or 'no owner'}, {'never reported' if line.age is None else f'{line.age} days old'}"),
        ]
        for line in stale[:_MOST_STALE]
    ]
    return [*blocks, bullets(rows), *_more(len(stale), _MOST_STALE)]


def _row(said: str, accessory: Kit | None) -> Kit:
    text = {"type": "mrkdwn", "text": said, "verbatim": True}
    return {"type": "section", "text": text} | ({"accessory": accessory} if accessory else {})


def _more(count: int, shown: int = MOST_MINE) -> list[Kit]:
    return [context(f"{count - shown} more")] if count > shown else []


def _same(owner: str, name: str) -> bool:
    return bool(owner) and owner.casefold() == name.casefold()
