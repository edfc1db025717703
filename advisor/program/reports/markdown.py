"""The gap summary as Markdown: one page, at most 450 words."""

from __future__ import annotations

from advisor.domain.gaps import GapSummary
from advisor.program.reports.pack import MeetingPack, word_age, word_gate, word_ids, word_missing, word_standing
from advisor.program.reports.wording import (
    LENGTHS,
    SummaryText,
    count_page_words,
    word_average,
    word_level,
    word_summary,
    word_trend,
)

MOST_WORDS = 450


def render_summary(summary: GapSummary) -> str:
    """Return the page as Markdown, at the greatest length that keeps it within 450 words."""
    return _escape(_render(summary, fit_text(summary)))


def render_pack(pack: MeetingPack) -> str:
    """Return the meeting pack as Markdown: the page, gate readiness, decisions and sources."""
    lines = [render_summary(pack.summary)]
    if pack.standing:
        lines += [f"## How each does: {word_standing(pack)}", ""]
        lines += [
            f"- **{line.name}** ({line.stage.words}): {line.health}, owner {line.owner or 'nobody'}, "
            f"last status {word_age(line)}"
            for line in pack.standing
        ]
        lines.append("")
    if pack.gates:
        lines += ["## Gate readiness", ""]
        for gate in pack.gates:
            to = f" → {gate.next_stage.words}" if gate.next_stage else ""
            missing = f": {word_missing(gate)}" if gate.open_items else ""
            lines.append(f"- **{gate.name}** ({gate.stage.words}{to}): {word_gate(gate)}{missing}")
        lines.append("")
    if pack.decisions:
        lines += ["## Decisions wanted", "", *(f"{n}. {told}" for n, told in enumerate(pack.decisions, 1)), ""]
    if pack.sources:
        lines += ["## Sources", ""]
        lines += [
            f"- {s.playbook}, {s.section}: {word_ids(s)}"
            + f" ({f'reviewed {s.reviewed_on}' if s.reviewed_on else 'never reviewed'})"
            for s in pack.sources
        ]
        lines += ["", *(f"- {article}" for article in pack.articles)]
        lines += ["", *(f"- #{entry.number} ({entry.as_of}) {entry.text}" for entry in pack.entries), ""]
    return "\n".join([lines[0], *map(_escape, lines[1:]), f"_{pack.footer}_", ""])


def _escape(text: str) -> str:
    """Return a text in which nothing that people wrote is a tag or a link."""
    return text.replace("<", "&lt;").replace("](", "]\\(")


def fit_text(summary: GapSummary) -> SummaryText:
    """Return the sentences of the page at the length that the Markdown rendering takes, for the other renderings."""
    texts = (word_summary(summary, length) for length in LENGTHS)
    fitting = (text for text in texts if count_page_words(_render(summary, text)) <= MOST_WORDS)
    return next(fitting, word_summary(summary, LENGTHS[-1]))


def _render_levels(summary: GapSummary) -> list[str]:
    """Return the table of levels; a target that all dimensions share is said once."""
    targets = {level.target for level in summary.levels}
    shared = f", target {min(targets)}" if len(targets) == 1 else ""
    head = ["", "Floor", "Average", "", *([] if shared else ["Target"])]
    rows = [
        [level.short, word_level(level.floor), word_average(level), word_trend(level)]
        + ([] if shared else [str(level.target)])
        for level in summary.levels
    ]
    lines = [f"| {' | '.join(row)} |".replace("  ", " ") for row in (head, ["---"] * len(head), *rows)]
    return [f"## Levels, 0 to 5{shared}", "", *lines]


def _render(summary: GapSummary, text: SummaryText) -> str:
    lines = [
        f"# {text.title}",
        "",
        f"**{text.headline}**",
        "",
        f"**Decision wanted:** {text.decision}",
        "",
        text.facts,
        "",
    ]
    if any(level.floor is not None or level.average is not None for level in summary.levels):
        lines += [*_render_levels(summary), ""]
    if text.gaps:
        lines += [f"## Top {len(text.gaps)} of {summary.open_gaps} gaps", ""]
        for number, gap in enumerate(text.gaps, 1):
            lines += [
                f"{number}. **{gap.what}**: {gap.where}. {gap.why}".rstrip(),
                f"   - Register: {gap.register}",
                f"   - Playbook: {gap.playbook}",
                f"   - Next: {gap.action} {gap.who}",
            ]
        lines.append("")
    for title, told in (
        ("Changed", text.changes),
        ("Overdue", text.overdue),
        ("Unknown", text.unknown),
        ("Caveats", text.caveats),
    ):
        if told:
            lines += [f"## {title}", "", *(f"- {line}" for line in told), ""]
    lines += [f"_{text.footer}_", ""]
    return "\n".join(lines)
