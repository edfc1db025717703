"""The program in Block Kit: gaps, gates, status, checklists, proposals, questions of the assessment."""

from __future__ import annotations

import json
from collections.abc import Sequence

from advisor.domain.checklist import ChecklistDraft, ChecklistItem, InterviewQuestion
from advisor.domain.gaps import GapSummary, GateItem, GateReadiness, StatusLine
from advisor.domain.register import Register
from advisor.program.confirmation import digest_proposals
from advisor.program.plain_words import Proposal
from advisor.program.reports.markdown import fit_text
from advisor.program.reports.wording import word_day, word_entries, word_trend
from integrations.slack.blocks import (
    Kit,
    Message,
    actions,
    bullets,
    button,
    clip,
    context,
    escape,
    header,
    pack,
    paragraph,
    run,
)
from integrations.slack.native import chart_summary, data_table

MOST_ITEMS = 15
_FILES = (("pptx", "Slides"), ("xlsx", "Workbook"), ("pdf", "PDF"))
_LONGEST_VALUE = 1_900
VERDICTS = (("Yes", "yes"), ("Partly", "partly"), ("No", "no"), ("Don't know", "unknown"), ("Not for us", "na"))


def render_gaps(summary: GapSummary) -> list[Message]:
    """Return the gap summary, the same sentences as on its page."""
    text = fit_text(summary)
    blocks: list[Kit] = [
        header(text.title),
        paragraph(run(text.headline, bold=True)),
        paragraph(run("Decision wanted: ", bold=True), run(text.decision)),
        context(text.facts),
    ]
    if any(level.average is not None or level.floor is not None for level in summary.levels):
        rows = [
            (
                level.title,
                level.floor,
                level.average,
                word_trend(level),
                level.target,
                f"{level.known} of {level.asked}",
            )
            for level in summary.levels
        ]
        columns = ("Dimension", "Floor", "Average", "Trend", "Target", "Known")
        blocks += [data_table("Levels, 0 to 5; an empty cell is unknown", columns, rows), *chart_summary(summary)]
    for number, gap in enumerate(text.gaps, 1):
        blocks += [
            paragraph(run(f"{number}. {gap.what}", bold=True), run(f" ({gap.where}). {gap.why}")),
            bullets(
                [
                    [run("Your program: ", italic=True), run(gap.register)],
                    [run("The playbook says: ", italic=True), run(gap.playbook)],
                    [run("Next: ", italic=True), run(f"{gap.action} "), run(gap.who, bold=True)],
                ]
            ),
        ]
    for title, told in (
        ("Changed", text.changes), ("Overdue", text.overdue), ("Unknown", text.unknown), ("Caveats", text.caveats)
    ):  # fmt: skip
        if told:
            blocks += [paragraph(run(title, bold=True)), bullets([[run(line)] for line in told])]
    files = actions(*(button(title, f"report_{name}", name) for name, title in _FILES))
    return pack(blocks, [files, context(text.footer)], summary=f"{text.title}: {text.headline}")


def render_gates(gates: Sequence[GateReadiness]) -> list[Message]:
    """Return which initiatives may leave their stage, and what the others lack."""
    climbing = [gate for gate in gates if gate.next_stage]
    if not climbing:
        return [Message("No initiative has a next gate.", [paragraph(run("No initiative has a next gate."))])]
    ready = [gate for gate in climbing if gate.ready]
    first = f"{len(ready)} of {len(climbing)} initiatives are ready for their next gate."
    blocks = [paragraph(run(first, bold=True))]
    for gate in sorted(climbing, key=lambda gate: (gate.ready, gate.name)):
        to = gate.next_stage.words if gate.next_stage else ""
        state = "ready" if gate.ready else "not ready"
        blocks.append(
            paragraph(run(gate.name, bold=True), run(f": {state} for {to}, {gate.days_in_stage} days in stage."))
        )
        missing = gate.open_items
        if missing:
            lines = [
                [run(f"{item.title}: {item.reason}{_since(item)} "), run(item.playbook.section, italic=True)]
                for item in missing
            ]
            blocks.append(bullets(lines))
            blocks.append(actions(button("As a checklist", "gate_checklist", gate.initiative)))
    return pack(blocks, [], summary=first)


def _since(item: GateItem) -> str:
    return f" [{word_entries(item.evidence)}]" if item.evidence else ""


def render_status(lines: Sequence[StatusLine]) -> list[Message]:
    """Return how the initiatives stand."""
    if not lines:
        return [Message("No initiative yet.", [paragraph(run("The register holds no active initiative yet."))])]
    rows = [
        (
            line.name,
            line.health,
            line.stage.words,
            line.owner or "nobody",
            "never" if line.age is None else f"{line.age} day{'s' if line.age != 1 else ''}",
        )
        for line in lines
    ]
    pages = [rows[at : at + 50] for at in range(0, len(rows), 50)]
    columns = ("Initiative", "Health", "Stage", "Owner", "Last status")
    blocks = [data_table("How the initiatives stand", columns, page) for page in pages]
    check_in = actions(button("Check in", "open_check_in", style="primary"))
    return pack(blocks, [check_in], summary=f"{len(lines)} initiatives")


def render_proposals(proposals: Sequence[Proposal], text: str, register: Register) -> Message:
    """Return what a message would record, with the button that confirms it; or what has to be cleared up first."""
    blocks: list[Kit] = []
    for proposal in proposals:
        blocks.append(paragraph(run(proposal.name or "Which initiative?", bold=True)))
        if proposal.says:
            blocks.append(bullets([[run(line)] for line in proposal.says]))
        for ask in proposal.asks:
            options = f" ({', '.join(ask.options)})" if ask.options else ""
            blocks.append(paragraph(run(f"{ask.question}{options}")))
    if any(proposal.asks for proposal in proposals):
        blocks.append(context("Nothing was recorded. Say it again with that cleared up, or use the form."))
        blocks.append(actions(button("Use the form", "open_check_in")))
        return Message("That needs clearing up.", blocks)
    value = json.dumps({"text": text, "digest": digest_proposals(proposals, register)})
    if len(value) > _LONGEST_VALUE:
        blocks.append(context("That is long for a confirmation. Use the form."))
        blocks.append(actions(button("Use the form", "open_check_in")))
        return Message("Use the form.", blocks)
    blocks.append(context(f"Kept as its summary: {clip(text, 500)}"))
    blocks.append(
        actions(
            button("Record this", "confirm_status", value, style="primary"), button("Discard", "dismiss", "dismiss")
        )
    )
    return Message("Record this?", blocks)


def render_checklist(items: Sequence[ChecklistItem], *, place: str) -> list[Message]:
    """Return the open action items, each with the button that opens it."""
    if not items:
        return [Message("Nothing is open.", [paragraph(run(f"No action is open{place}."))])]
    blocks: list[Kit] = [paragraph(run(f"{len(items)} open actions{place}", bold=True))]
    for item in items[:MOST_ITEMS]:
        due = f"due {word_day(item.due_on)}" if item.due_on else "no date"
        late = ", overdue" if item.overdue else ""
        source = f"\n_{escape(clip(item.source, 150))}_" if item.source else ""
        said = (
            f"☐ {escape(clip(item.title, 800))}\n{escape(item.where)}, {escape(item.owner or 'no owner')}, {due}{late}"
        )
        blocks.append(
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": said + source, "verbatim": True},
                "accessory": button("Tick or change", "open_item", item.id),
            }
        )
    if len(items) > MOST_ITEMS:
        blocks.append(context(f"{len(items) - MOST_ITEMS} more; name an initiative: /advisor checklist Line 3"))
    return pack(blocks, [], summary=f"{len(items)} open actions")


def render_drafts(drafts: Sequence[ChecklistDraft], action: str, value: str) -> Message:
    """Return tasks that are about to become work, with the button that puts them on the checklist."""
    blocks: list[Kit] = [paragraph(run("These tasks can go on the checklist:", bold=True))]
    blocks.append(bullets([[run(f"☐ {clip(draft.title, 300)}")] for draft in drafts[:MOST_ITEMS]]))
    if len(drafts) > MOST_ITEMS:
        blocks.append(context(f"{len(drafts) - MOST_ITEMS} more."))
    blocks.append(actions(button("Put on the checklist", action, value, style="primary")))
    return Message("Put these tasks on the checklist?", blocks)


def render_question(question: InterviewQuestion, initiative: str = "") -> Message:
    """Return a question of the assessment with a button for each answer."""
    value = json.dumps({"criterion": question.criterion, "initiative": initiative})
    buttons = [button(label, f"assess_{verdict}", value) for label, verdict in VERDICTS]
    where = f"{question.dimension}, level {question.level}"
    return Message(
        escape(question.ask),
        [
            context(f"{where}. {question.answered} answered, at most {question.left} left."),
            paragraph(run(question.ask, bold=True)),
            context(f"{question.playbook} > {question.section}: {question.quote}"),
            actions(*buttons),
        ],
    )
