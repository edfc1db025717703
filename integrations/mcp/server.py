"""The tools: thin, typed, each one call of the advisor or the office in the name of whoever asks."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from advisor import __version__
from advisor.domain.dialogue import render_with_sources
from advisor.domain.identity import Area, Caller, Permission, require
from advisor.domain.knowledge import Passage
from advisor.errors import AdvisorError, NotFoundError
from advisor.program.confirmation import confirm_status, read_status
from advisor.program.office import ProgramOffice
from advisor.program.reports import markdown
from advisor.program.reports.wording import word_entries, word_state
from advisor.service import Advisor

DOOR = "mcp"
_MOST_HITS = 16
_INSTRUCTIONS = (
    "Answers on scaling industrial AI from playbooks and from the company's own register, each with citations. "
    "Quote its sentences with their sources; do not add figures that it does not give."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
FindCaller = Callable[[Context[Any, Any]], Caller]
Admit = Callable[..., Caller]
"""Who asks, if they may: context, area, permission (reader)."""
Day = Annotated[date | None, Field(description="A day, as 2026-11-20; today when left out.")]
Site = Annotated[str, Field(description="Name of a site, to see it alone.")]
Initiative = Annotated[str, Field(description="Name of an initiative, to see it alone.")]


def create_server(advisor: Advisor, office: ProgramOffice, find_caller: FindCaller) -> MCPServer[Any]:
    """Return the server. `find_caller` says in whose name a call is made; what they may not see is not told."""
    logging.getLogger("mcp").setLevel(logging.ERROR)  # below that it logs what people asked about
    server: MCPServer[Any] = MCPServer(
        "operating-model-advisor", title="Operating-Model Advisor", instructions=_INSTRUCTIONS, version=__version__
    )

    def admit(context: Context[Any, Any], area: Area, permission: Permission = Permission.READER) -> Caller:
        caller = find_caller(context)
        require(caller, permission, area)
        return caller

    _add_answers(server, advisor, admit)
    _add_program(server, office, admit)
    return server


def _add_answers(server: MCPServer[Any], advisor: Advisor, admit: Admit) -> None:
    """Add what playbooks and documents say."""

    @server.tool(title="Ask the advisor", annotations=_READS, structured_output=False)
    @_told
    def ask(
        context: Context[Any, Any],
        question: Annotated[str, Field(description="What you want to know, in a sentence.")],
        role: Annotated[str, Field(description="executive, change_lead, plant_manager or engineer.")] = "executive",
        conversation_id: Annotated[str, Field(description="Of an earlier answer, to follow up on it.")] = "",
    ) -> CallToolResult:
        """Answer a question from the playbooks, the company's documents and its register, with citations."""
        caller = admit(context, Area.ASK)
        answer = advisor.ask(caller, question, role=role, conversation_id=conversation_id or None)
        return _result(render_with_sources(answer), answer)

    @server.tool(title="Search passages", annotations=_READS, structured_output=False)
    @_told
    def search(
        context: Context[Any, Any],
        query: Annotated[str, Field(description="What to look for.")],
        limit: Annotated[int, Field(ge=1, le=_MOST_HITS)] = 8,
    ) -> CallToolResult:
        """Find the passages of playbooks and documents nearest to some words; nothing is answered."""
        found = advisor.search(admit(context, Area.ASK), query)[:limit]
        hits = [
            {
                "section_id": p.section.id,
                "title": p.section.playbook_title,
                "page": p.page,
                "as_of": str(_find_age(p) or ""),
                "text": p.section.text,
            }
            for p in found
        ]
        said = "\n\n".join(
            f"{p.section.playbook_title}, {p.section.heading} ({_word_age(p)})\n{p.section.text}" for p in found
        )
        return _result(said or "Nothing was found.", hits=hits)

    @server.tool(title="Read a playbook", annotations=_READS, structured_output=False)
    @_told
    def playbook(
        context: Context[Any, Any],
        playbook_id: Annotated[str, Field(description="Id of a playbook; empty lists them.")] = "",
    ) -> CallToolResult:
        """Read a playbook, or list all of them."""
        admit(context, Area.ASK)
        sections = advisor.list_sections()
        firsts = {section.playbook: section for section in reversed(sections)}
        heads = [
            {"id": id_, "title": first.playbook_title, "reviewed": str(first.reviewed_on or "never")}
            for id_, first in sorted(firsts.items())
        ]
        if not playbook_id:
            said = "\n".join(f"{head['id']}: {head['title']} (reviewed: {head['reviewed']})" for head in heads)
            return _result(said, playbooks=heads)
        found = [section for section in sections if section.playbook == playbook_id]
        if not found:
            raise NotFoundError(f'There is no playbook "{playbook_id[:80]}".', "Leave the id empty to list them.")
        said = "\n\n".join(f"## {section.heading}\n{section.text}" for section in found)
        read = [{"id": section.id, "heading": section.heading, "text": section.text} for section in found]
        reviewed = found[0].reviewed_on or "never"
        return _result(f"# {found[0].playbook_title}\n\nReviewed: {reviewed}\n\n{said}", sections=read)


def _add_program(server: MCPServer[Any], office: ProgramOffice, admit: Admit) -> None:
    """Add what the register shows, and a way to tell it more."""

    @server.tool(title="Gap summary", annotations=_READS, structured_output=False)
    @_told
    def gap_summary(
        context: Context[Any, Any],
        site: Site = "",
        initiative: Initiative = "",
        as_of: Day = None,
        since: Annotated[date | None, Field(description="The day to compare with; four weeks back by default.")] = None,
    ) -> CallToolResult:
        """Return what the playbooks require, what the register shows and what to do next, cited on both sides."""
        caller = admit(context, Area.PROGRAM)
        place = {
            "site": office.find_site(caller, site) if site else "",
            "initiative": office.find_initiative(caller, initiative) if initiative else "",
        }
        summary = office.summarise(caller, as_of=as_of, since=since, **place)
        return _result(markdown.render_summary(summary), summary)

    @server.tool(title="Gate readiness", annotations=_READS, structured_output=False)
    @_told
    def gate_readiness(context: Context[Any, Any], initiative: Initiative = "") -> CallToolResult:
        """Return which initiatives may leave their stage, and which exit criteria the others lack."""
        caller = admit(context, Area.PROGRAM)
        wanted = office.find_initiative(caller, initiative) if initiative else ""
        gates = [gate for gate in office.assess_gates(caller) if not wanted or gate.initiative == wanted]
        lines = []
        for gate in gates:
            to = f" for {gate.next_stage.words}" if gate.next_stage else ", at its last stage"
            lines.append(f"{gate.name}: {'ready' if gate.ready or not gate.next_stage else 'not ready'}{to}")
            for item in gate.open_items:
                since = f" [{word_entries(item.evidence, office.today)}]" if item.evidence else ""
                lines.append(f"  - {item.title} ({word_state(item.state)}): {item.reason}{since}")
        return _result("\n".join(lines) or "No initiative is active.", gates=gates)

    @server.tool(title="Checklist", annotations=_READS, structured_output=False)
    @_told
    def checklist(context: Context[Any, Any], initiative: Initiative = "") -> CallToolResult:
        """Return the open actions with owner and date."""
        caller = admit(context, Area.PROGRAM)
        subject = office.find_initiative(caller, initiative) if initiative else ""
        items = office.list_items(caller, initiative=subject)
        lines = [
            f"- {item.title} ({item.where}; {item.owner or 'nobody'}, {item.due_on or 'no date'}"
            f"{', overdue' if item.overdue else ''})"
            for item in items
        ]
        return _result("\n".join(lines) or "No action is open.", items=items)

    @server.tool(title="Log a status", annotations=_WRITES, structured_output=False)
    @_told
    def log_status(
        context: Context[Any, Any],
        text: Annotated[str, Field(description='Plain words: "Line 3 moved to shadow on Monday, two false alarms".')],
        confirmation: Annotated[str, Field(description="As the first call gave it; empty records nothing.")] = "",
    ) -> CallToolResult:
        """Read a status in plain words, and record it once a person has confirmed what it was understood to say.

        Call it first without `confirmation`, show the person what it says, and call it again with the one it gave.
        """
        caller = admit(context, Area.PROGRAM, Permission.CONTRIBUTOR)
        if confirmation:
            key = f"mcp/{caller.id}/{confirmation}"
            entries = confirm_status(office, caller, text, confirmation, key=key, door=DOOR)
            numbers = [entry.number for entry in entries]
            return _result(f"Recorded as {', '.join(f'#{number}' for number in numbers)}.", recorded=numbers)
        proposals, digest = read_status(office, caller, text)
        asks = [f"{ask.question} {', '.join(ask.options)}".strip() for p in proposals for ask in p.asks]
        says = [f"{p.name}: {line}" for p in proposals for line in p.says]
        if asks or not says:
            said = "Nothing was recorded. " + (" ".join(asks) or "That names no initiative of the register.")
            return _result(said, proposals=proposals, asks=asks)
        said = "\n".join(["This would be recorded:", *(f"- {line}" for line in says), f"Confirmation: {digest}"])
        return _result(said, proposals=proposals, confirmation=digest)


def _find_age(passage: Passage) -> date | None:
    """Return when a playbook was reviewed, or a document changed."""
    return passage.document.modified_on if passage.document else passage.section.reviewed_on


def _word_age(passage: Passage) -> str:
    """Return how old a passage is, in words, and whether its review is overdue."""
    document, age = passage.document, _find_age(passage)
    if document is None:
        return f"reviewed {age}" if age else "never reviewed"
    late = document.review_by and document.review_by < date.today()
    return f"of {age or 'an unknown day'}" + (f", to be reviewed by {document.review_by}" if late else "")


def _told(tool: Callable[..., CallToolResult]) -> Callable[..., CallToolResult]:
    """Tell the client what a person can act on; the protocol's library keeps defects to itself."""

    @functools.wraps(tool)
    def run(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return tool(*args, **kwargs)
        except AdvisorError as error:
            raise ToolError(str(error)) from error

    return run


def _result(said: str, whole: BaseModel | None = None, **parts: Sequence[Any] | str) -> CallToolResult:
    """Return words for a person and the same as data."""
    data = whole.model_dump(mode="json") if whole else {name: _dump(part) for name, part in parts.items()}
    return CallToolResult(content=[TextContent(type="text", text=said)], structured_content=data)


def _dump(part: Sequence[Any] | str) -> Any:
    if isinstance(part, str):
        return part
    return [piece.model_dump(mode="json") if isinstance(piece, BaseModel) else piece for piece in part]
