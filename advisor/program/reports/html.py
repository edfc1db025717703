"""The gap summary as one self-contained HTML page: no script, no font, no image from elsewhere."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from advisor.domain.gaps import GapSummary
from advisor.program.reports.markdown import fit_text
from advisor.program.reports.pack import MeetingPack, word_age, word_gate, word_ids, word_missing, word_standing
from advisor.program.reports.svg import draw_heat_map, draw_levels, draw_trend

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_summary(summary: GapSummary) -> str:
    """Return the page as HTML; the charts escape what they show themselves."""
    return _render(summary, None)


def render_pack(pack: MeetingPack) -> str:
    """Return the meeting pack as HTML: the page, gate readiness, decisions and sources."""
    return _render(pack.summary, pack)


def _render(summary: GapSummary, pack: MeetingPack | None) -> str:
    text = fit_text(summary)
    known = any(value is not None for _, values in summary.trend for value in values)
    return _TEMPLATES.get_template("summary.html").render(
        summary=summary,
        pack=pack,
        word_gate=word_gate,
        word_missing=word_missing,
        word_age=word_age,
        word_ids=word_ids,
        word_standing=word_standing,
        text=text,
        levels_known=any(level.average is not None for level in summary.levels),
        levels_svg=Markup(draw_levels(summary.levels)),  # noqa: S704  drawn by us, every text in it escaped
        trend_svg=Markup(draw_trend([level.short for level in summary.levels], summary.trend)) if known else "",  # noqa: S704
        heat_svg=Markup(draw_heat_map([level.short for level in summary.levels], summary.heat))  # noqa: S704
        if summary.heat
        else "",
        sections=(
            ("Changed", text.changes),
            ("Overdue", text.overdue),
            ("Unknown", text.unknown),
            ("Caveats", text.caveats),
        ),
    )
