"""The commands about the program: status, gates, gaps, assessment, checklists, tables, demo."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from advisor import bootstrap
from advisor.domain.checklist import ChecklistDraft
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange
from advisor.errors import InvalidInputError
from advisor.program import checklists
from advisor.program.plain_words import word_asks
from advisor.program.reports import html, markdown
from advisor.program.reports.formats import find_format
from advisor.program.reports.pack import make_pack
from advisor.settings import load_settings
from integrations.cli import program_render as render

if TYPE_CHECKING:
    from advisor.domain.register import Register
    from advisor.program.office import ProgramOffice

DOOR = "cli"
_out = Console(highlight=False)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InitiativeOption = Annotated[str, typer.Option(help="Name or id of an initiative.")]
SiteOption = Annotated[str, typer.Option(help="Name or id of a site.")]
checklist_app = typer.Typer(
    help="Owned, dated work from playbooks, answers, gates and gaps.", invoke_without_command=True
)


def add_commands(app: typer.Typer) -> None:
    """Add the commands about the program to the command line."""
    for command in (status, initiatives, gates, gaps, report, assess, record, history, demo):
        app.command()(command)
    app.command("import")(import_table)
    app.command("export")(export_table)
    app.add_typer(checklist_app, name="checklist")


def _office() -> ProgramOffice:
    return bootstrap.build_program(load_settings())


def _print_json(value: Any) -> None:
    plain = [v.model_dump(mode="json") for v in value] if isinstance(value, list | tuple) else value
    if isinstance(plain, BaseModel):
        plain = plain.model_dump(mode="json")
    print(json.dumps(plain, indent=2, ensure_ascii=False, default=str))


def _day(raw: str | None) -> date | None:
    if raw is None:
        return None
    try:
        return date.fromisoformat(raw)
    except ValueError:
        raise InvalidInputError(f'"{raw[:40]}" is no date.', "Write it like 2026-11-20.") from None


def status(
    message: Annotated[str, typer.Argument(help="What changed, in plain words, or the name of an initiative.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Record without asking to confirm.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how the initiatives stand, or log a status in plain words after you have confirmed it."""
    office = _office()
    if not message:
        lines = office.list_status(LOCAL_CALLER)
        _print_json(lines) if as_json else _out.print(render.render_status(lines))
        return
    proposals = office.read_message(LOCAL_CALLER, message)
    if not proposals:
        subject = office.find_initiative(LOCAL_CALLER, message)
        lines = tuple(line for line in office.list_status(LOCAL_CALLER) if line.initiative == subject)
        _print_json(lines) if as_json else _out.print(render.render_detail(lines, office, subject))
        return
    if as_json and not yes:
        _print_json(proposals)
        return
    for proposal in proposals:
        _out.print(render.render_proposal(proposal))
    if asks := word_asks(proposals):
        raise InvalidInputError(asks, "Say it again with that cleared up; nothing was recorded.")
    changes = [change for proposal in proposals for change in proposal.changes]
    problems = office.check(LOCAL_CALLER, changes, door=DOOR)
    if problems:
        raise problems[0][1]
    if not yes and not typer.confirm("Record this?"):
        _out.print("Nothing was recorded.")
        return
    entries = office.record(LOCAL_CALLER, changes, door=DOOR)
    if as_json:
        _print_json(entries)
    else:
        _out.print(f"Recorded as {render.number_words(entries)}.")


def initiatives(site: SiteOption = "", as_json: JsonOption = False) -> None:
    """List the initiatives with stage, health, owner and the age of their status."""
    office = _office()
    lines = office.list_status(LOCAL_CALLER, site=office.find_site(LOCAL_CALLER, site) if site else "")
    _print_json(lines) if as_json else _out.print(render.render_initiatives(lines))


def gates(
    initiative: Annotated[str, typer.Argument(help="Name or id of an initiative; all when left out.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Show which initiatives may leave their stage, and what the others lack."""
    office = _office()
    found = office.assess_gates(LOCAL_CALLER)
    if initiative:
        subject = office.find_initiative(LOCAL_CALLER, initiative)
        found = tuple(gate for gate in found if gate.initiative == subject)
    if as_json:
        _print_json([gate.model_dump(mode="json") | {"ready": gate.ready} for gate in found])
    else:
        _out.print(render.render_gates(found, detailed=bool(initiative)))


def gaps(
    site: SiteOption = "",
    initiative: InitiativeOption = "",
    as_of: Annotated[str | None, typer.Option(help="A day, like 2026-11-20; today when left out.")] = None,
    since: Annotated[str | None, typer.Option(help="The day to compare with; 30 days earlier when left out.")] = None,
    every: Annotated[bool, typer.Option("--all", help="List every gap and every threshold.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write a file: .md, .html or .json.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the gap summary: what the playbooks require, what the register shows, what to do next."""
    office = _office()
    place = {
        "site": office.find_site(LOCAL_CALLER, site) if site else "",
        "initiative": office.find_initiative(LOCAL_CALLER, initiative) if initiative else "",
    }
    if every and not as_json:
        found = office.rank_gaps(LOCAL_CALLER, _day(as_of), **place)
        _out.print(render.render_gaps(found, office.book))
        return
    summary = office.summarise(LOCAL_CALLER, as_of=_day(as_of), since=_day(since), **place)
    if output is not None:
        writers = {
            ".md": lambda: markdown.render_summary(summary),
            ".html": lambda: html.render_summary(summary),
            ".json": lambda: summary.model_dump_json(indent=2),
        }
        if output.suffix not in writers:
            raise InvalidInputError(f'"{output.suffix}" is not written.', "End the name in .md, .html or .json.")
        _write(output, writers[output.suffix]().encode())
    elif as_json:
        _print_json(summary)
    else:
        _out.print(render.render_summary(summary))


def report(
    output: Annotated[Path | None, typer.Option(help="File to write; its ending names the format.")] = None,
    format: Annotated[str, typer.Option(help="pptx, xlsx, pdf, html or md.")] = "pptx",  # noqa: A002
    template: Annotated[Path | None, typer.Option(help="Your company's .pptx, for the slides.")] = None,
    site: SiteOption = "",
    initiative: InitiativeOption = "",
    as_of: Annotated[str | None, typer.Option(help="A day, like 2026-11-20; today when left out.")] = None,
    since: Annotated[str | None, typer.Option(help="The day to compare with; 30 days earlier when left out.")] = None,
) -> None:
    """Write the pack for a meeting: gap summary, gate readiness, decisions wanted, sources."""
    office = _office()
    found = find_format(output.suffix if output and output.suffix else format)
    pack = make_pack(
        office,
        LOCAL_CALLER,
        as_of=_day(as_of),
        since=_day(since),
        site=office.find_site(LOCAL_CALLER, site) if site else "",
        initiative=office.find_initiative(LOCAL_CALLER, initiative) if initiative else "",
    )
    _write(output or Path(f"{pack.name}.{format.lower()}"), found.make(pack, template))


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written ({error.strerror}).", "Choose another place.") from None
    _out.print(f"Wrote {escape(str(file))}.", soft_wrap=True)


def assess(
    initiative: InitiativeOption = "",
    dimension: Annotated[str, typer.Option(help="Only this dimension, for example governance.")] = "",
    answer: Annotated[
        str, typer.Option(help="Answer one criterion without the interview: CRITERION=yes|partly|no|unknown|na.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Start, or go on with, the structural assessment: a short interview that can be left at any time."""
    office = _office()
    subject = office.find_initiative(LOCAL_CALLER, initiative) if initiative else ""
    if answer:
        criterion, _, verdict = answer.partition("=")
        entry = office.answer_question(LOCAL_CALLER, criterion, verdict, initiative=subject, door=DOOR)
        _print_json(entry) if as_json else _out.print(f"Recorded as {render.number_words((entry,))}.")
        return
    if as_json:
        question = office.find_next_question(LOCAL_CALLER, initiative=subject, dimension=dimension)
        _print_json(question.model_dump(mode="json") if question else None)
        return
    _out.print('Answer yes, partly, no, unknown or na; "stop" ends, and you can go on another time.')
    while question := office.find_next_question(LOCAL_CALLER, initiative=subject, dimension=dimension):
        _out.print(render.render_question(question))
        try:
            said = _out.input("[bold]> [/]").strip()
        except (EOFError, KeyboardInterrupt):
            break
        if said.lower() in {"stop", "quit", "exit", "q", ""}:
            break
        verdict, _, note = said.partition(",")
        try:
            office.answer_question(
                LOCAL_CALLER, question.criterion, verdict, initiative=subject, note=note.strip(), door=DOOR
            )
        except InvalidInputError as error:
            _out.print(f"[red]{escape(str(error))}[/]")
    else:
        _out.print("All is said that can be said for now.")
    _out.print(render.render_levels(office.summarise(LOCAL_CALLER, initiative=subject).levels))
    _out.print("`advisor gaps` shows what follows from it.")


def record(
    kind: Annotated[str, typer.Argument(help="Kind of record, for example initiative or decision_right.")],
    fields: Annotated[list[str], typer.Argument(help='Fields, as name="Line 4" stage=single_line_pilot.')],
    subject: Annotated[str, typer.Option("--id", help="Id of a record to change.")] = "",
    on: Annotated[str | None, typer.Option(help="The day from which it holds; today when left out.")] = None,
    corrects: Annotated[int | None, typer.Option(help="Number of the entry that this one corrects.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Record anything: a new record, a change of one, or a correction of an entry."""
    change = RecordChange(
        kind=_kind(kind), subject=subject, fields=dict(map(_split_field, fields)), on=_day(on), corrects=corrects
    )
    entries = _office().record(LOCAL_CALLER, [change], door=DOOR)
    if as_json:
        _print_json(entries)
    else:
        _out.print(f"Recorded {change.kind.words} {escape(entries[0].subject)} as {render.number_words(entries)}.")


def _kind(raw: str) -> RecordKind:
    try:
        return RecordKind(raw.strip().lower().replace("-", "_"))
    except ValueError:
        known = ", ".join(kind.value for kind in RecordKind)
        raise InvalidInputError(f'"{raw[:40]}" is no kind of record.', f"Use one of: {known}.") from None


def _split_field(raw: str) -> tuple[str, Any]:
    name, equals, value = raw.partition("=")
    if not equals:
        raise InvalidInputError(f'"{raw[:40]}" is no field.', "Write name=value, with quotes around blanks.")
    listed = [part.strip() for part in value.split(";")] if name in {"aliases", "criteria"} else value
    return name.strip(), {"true": True, "false": False}.get(value, listed) if isinstance(listed, str) else listed


def history(
    kind: Annotated[str, typer.Argument(help="Kind of record.")],
    subject: Annotated[str, typer.Argument(help="Id of the record.")],
    as_json: JsonOption = False,
) -> None:
    """Show every entry on a record: who, when, from which door."""
    entries = _office().read_history(LOCAL_CALLER, _kind(kind), subject)
    _print_json(entries) if as_json else _out.print(render.render_history(entries))


def demo(as_json: JsonOption = False) -> None:
    """Fill an empty register with a believable company: two plants, one hub, eight initiatives, a year."""
    office = _office()
    count = office.load_demo(LOCAL_CALLER, door="demo")
    if as_json:
        _print_json({"entries": count})
        return
    _out.print(f"The demo company is in the register: {count} entries. Try:")
    for command in ("advisor initiatives", "advisor gaps", "advisor gates", 'advisor ask "How is Line 3 doing?"'):
        _out.print(f"  {command}")


def import_table(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file, named after the kind of record: initiatives.csv.")],
    kind: Annotated[str, typer.Option(help="Kind of record, when the name of the file does not say it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and name each bad row.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Import a table; either every row is recorded, or none."""
    from advisor.program import tables  # noqa: PLC0415  the libraries for tables open only here

    office = _office()
    found = tables.read_table(file, kind)
    report = tables.import_table(office, LOCAL_CALLER, found, dry_run=dry_run)
    if as_json:
        _print_json(report)
    else:
        _out.print(render.render_problems(report.problems), soft_wrap=True)
        outcome = f"Recorded {report.recorded} rows." if report.recorded else "Nothing was recorded."
        known = f", {report.known} known already" if report.known else ""
        _out.print(f"{report.rows} rows, {len(report.problems)} of them bad{known}. {outcome}")
    if report.problems:
        sys.exit(2)


def export_table(
    file: Annotated[Path, typer.Argument(help="A .xlsx for everything, or a .csv for one kind of record.")],
    kind: Annotated[str, typer.Option(help="Kind of record, when the name of the file does not say it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Export the register as XLSX, or one kind of record as CSV."""
    from advisor.program import tables  # noqa: PLC0415

    register = _office().read_register(LOCAL_CALLER)
    if as_json:
        kinds = [_kind(kind)] if kind else list(RecordKind)
        _print_json({k.value: [dict(zip(*pair, strict=True)) for pair in _pairs(register, k)] for k in kinds})
    elif file.suffix == ".xlsx":
        _write(file, tables.write_xlsx(register, [_kind(kind)] if kind else tuple(RecordKind)))
    elif file.suffix == ".csv":
        _write(file, tables.write_csv(register, tables.find_kind(kind or file.stem, file.name)).encode())
    else:
        raise InvalidInputError(f'"{file.suffix}" is not written.', "End the name in .xlsx or .csv.")


def _pairs(register: Register, kind: RecordKind) -> list[tuple[list[str], list[str]]]:
    from advisor.program import tables  # noqa: PLC0415

    header, rows = tables.list_rows(register, kind)
    return [(header, row) for row in rows]


@checklist_app.callback()
def checklist(
    context: typer.Context,
    initiative: InitiativeOption = "",
    owner: Annotated[str, typer.Option(help="Only what this person owns.")] = "",
    closed: Annotated[bool, typer.Option(help="Show what is done or cancelled, too.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write a file: .md or .csv.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the checklist, those due first first."""
    if context.invoked_subcommand:
        return
    office = _office()
    subject = office.find_initiative(LOCAL_CALLER, initiative) if initiative else ""
    items = office.list_items(LOCAL_CALLER, initiative=subject, owner=owner, closed=closed)
    if output is not None:
        writers = {".md": checklists.render_markdown, ".csv": checklists.render_csv}
        if output.suffix not in writers:
            raise InvalidInputError(f'"{output.suffix}" is not written.', "End the name in .md or .csv.")
        _write(output, writers[output.suffix](items).encode())
    elif as_json:
        _print_json(items)
    else:
        _out.print(render.render_checklist(items))


@checklist_app.command("add")
def checklist_add(
    ask: Annotated[str, typer.Option(help="A question: its answer's tasks.")] = "",
    section: Annotated[str, typer.Option(help="A playbook section: its tasks, for example kpis/choosing-kpis.")] = "",
    gate: Annotated[str, typer.Option(help="An initiative: what it lacks for its next gate.")] = "",
    gap: Annotated[str, typer.Option(help="A gap: the action that closes it, wherever it is open.")] = "",
    title: Annotated[str, typer.Option(help="A task in your own words.")] = "",
    initiative: InitiativeOption = "",
    owner: Annotated[str, typer.Option(help="Who is to do it.")] = "",
    due: Annotated[str | None, typer.Option(help="By when, like 2026-12-01.")] = None,
    every: Annotated[int | None, typer.Option(help="Come back every so many days.", min=1, max=365)] = None,
    as_json: JsonOption = False,
) -> None:
    """Put tasks on the checklist; what is on it already is not put there twice."""
    office = _office()
    drafts: tuple[ChecklistDraft, ...] = (ChecklistDraft(title=title),) if title else ()
    if ask:
        advisor = bootstrap.build_advisor(load_settings())
        drafts += office.draft_from_answer(advisor.ask(LOCAL_CALLER, ask, role="change_lead"))
    if section:
        drafts += office.draft_from_section(section)
    if gate:
        drafts += office.draft_from_gate(LOCAL_CALLER, office.find_initiative(LOCAL_CALLER, gate))
    if gap:
        drafts += office.draft_from_gap(LOCAL_CALLER, gap)
    if not drafts:
        raise InvalidInputError("That yields no task.", "Give --ask, --section, --gate, --gap or --title.")
    given: dict[str, Any] = {"owner": owner, "due_on": _day(due), "recurs_days": every}
    if initiative:
        given["initiative"] = office.find_initiative(LOCAL_CALLER, initiative)
    set_fields = {name: value for name, value in given.items() if value}
    entries, merged = office.add_items(LOCAL_CALLER, [d.model_copy(update=set_fields) for d in drafts], door=DOOR)
    if as_json:
        _print_json({"entries": [entry.model_dump(mode="json") for entry in entries], "merged": merged})
    else:
        _out.print(f"Added {len(drafts) - merged} tasks; {merged} were on the list already.")


@checklist_app.command("done")
def checklist_done(
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    evidence: Annotated[str, typer.Option(help="What shows that it is done.")],
    as_json: JsonOption = False,
) -> None:
    """Tick an item off; one that recurs comes back."""
    entries = _office().tick_item(LOCAL_CALLER, item, evidence, door=DOOR)
    _print_json(entries) if as_json else _out.print(f"Ticked off, {render.number_words(entries)}.")
