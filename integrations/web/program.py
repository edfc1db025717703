"""The program over HTTP: register, gates, gaps, assessment, checklists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from advisor.domain.checklist import ChecklistDraft, ChecklistItem, InterviewQuestion
from advisor.domain.gaps import Gap, GapSummary, GateReadiness, StatusLine
from advisor.domain.identity import Area, Caller, Permission
from advisor.domain.records import FIELDS, RecordKind
from advisor.domain.register import AnyRecord, Entry, RecordChange
from advisor.errors import InvalidInputError
from advisor.program import tables
from advisor.program.office import ProgramOffice
from advisor.program.plain_words import Proposal
from advisor.program.reports import html, markdown
from advisor.program.reports.formats import FORMATS, find_format
from advisor.program.reports.pack import make_pack
from advisor.service import Advisor
from integrations.web.guard import BEARER, Guard
from integrations.web.paging import Page, make_page
from integrations.web.problems import PROBLEMS

DOOR = "api"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Limit = Annotated[int, Query(ge=1, le=500, description="How many records a page holds.")]
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=150, description="The same key records once.")]


class Given(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Changes(Given):
    """Changes that are recorded together, or not at all."""

    changes: list[RecordChange] = Field(min_length=1, max_length=1000)


class Message(Given):
    """A status in plain words."""

    text: str


class Verdict(Given):
    """An answer to a question of the assessment."""

    criterion: str
    verdict: str = Field(description="yes, partly, no, unknown or not applicable.")
    initiative: str = ""
    note: str = ""
    reference: str = ""


class Chosen(Given):
    """A task of an answer that is taken on, by its place (from 0) in the answer's tasks."""

    place: int = Field(ge=0, le=200)
    owner: str = ""
    due_on: date | None = None


class NewItems(Given):
    """Where tasks come from: an answer, a playbook section, an initiative's next gate, a gap, or words of your own."""

    answer: str = Field(default="", max_length=64, description="Id of an answer that you were given.")
    chosen: list[Chosen] = Field(default=[], max_length=100, description="Which tasks of the answer; none means all.")
    section: str = ""
    gate: str = ""
    gap: str = ""
    title: str = ""
    initiative: str = Field(default="", description="For which initiative a task in your own words is.")
    owner: str = ""
    due_on: date | None = None
    recurs_days: int | None = Field(default=None, ge=1, le=365)


class Tick(Given):
    """What shows that an item is done."""

    evidence: str


class RecordView(BaseModel):
    """A record as the register holds it. Send `version` back with a change, so that no other change is overwritten."""

    kind: RecordKind
    subject: str
    version: int
    since: date
    as_of: date
    recorded_by: str
    fields: dict[str, Any]


class Demo(BaseModel):
    """What the demo company took."""

    recorded: int


def create_program_router(office: ProgramOffice, advisor: Advisor, guard: Guard) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["program"], responses=dict(PROBLEMS), dependencies=[Depends(BEARER)])
    reader = guard.needs(Permission.READER, Area.PROGRAM)
    contributor = guard.needs(Permission.CONTRIBUTOR, Area.PROGRAM)
    admin = guard.needs(Permission.ADMIN, Area.PROGRAM)

    @router.get("/records/{kind}", summary="List records of a kind")
    def list_records(
        kind: RecordKind, cursor: str = "", limit: Limit = 100, caller: Caller = reader
    ) -> Page[RecordView]:
        records = office.read_register(caller).all(FIELDS[kind])
        page = make_page(records, lambda record: record.subject, cursor, limit)
        return Page(items=[_view(record) for record in page.items], next=page.next)

    @router.get("/records/{kind}/{subject}", summary="Read a record")
    def read_record(kind: RecordKind, subject: str, caller: Caller = reader) -> RecordView:
        return _view(office.get_record(caller, kind, subject))

    @router.get("/records/{kind}/{subject}/history", summary="Read every entry on a record")
    def read_history(
        kind: RecordKind, subject: str, cursor: str = "", limit: Limit = 100, caller: Caller = reader
    ) -> Page[Entry]:
        entries = office.read_history(caller, kind, subject)
        return make_page(entries, lambda entry: f"{entry.number:012}", cursor, limit)

    @router.post("/records", status_code=201, summary="Record changes, all or none")
    def record(body: Changes, key: Key = "", caller: Caller = contributor) -> tuple[Entry, ...]:
        return office.record(caller, body.changes, key=_scoped(caller, key), door=DOOR)

    @router.get("/initiatives", summary="How the initiatives stand")
    def initiatives(site: str = "", cursor: str = "", limit: Limit = 100, caller: Caller = reader) -> Page[StatusLine]:
        lines = office.list_status(caller, site=office.find_site(caller, site) if site else "")
        return make_page(lines, lambda line: line.initiative, cursor, limit)

    @router.post("/status/read", summary="Read a status in plain words; nothing is recorded")
    def read_message(body: Message, caller: Caller = reader) -> tuple[Proposal, ...]:
        return office.read_message(caller, body.text)

    @router.get("/gates", summary="Readiness for the next gate")
    def gates(
        as_of: date | None = None, cursor: str = "", limit: Limit = 100, caller: Caller = reader
    ) -> Page[GateReadiness]:
        return make_page(office.assess_gates(caller, as_of), lambda gate: gate.initiative, cursor, limit)

    @router.get("/gaps", summary="Every gap, most pressing first")
    def gaps(
        as_of: date | None = None, site: str = "", initiative: str = "", caller: Caller = reader
    ) -> tuple[Gap, ...]:
        return office.rank_gaps(caller, as_of, **_place(office, caller, site, initiative))

    @router.get("/gap-summary", summary="The gap summary, as JSON, Markdown or HTML", response_model=GapSummary)
    def gap_summary(
        as_of: date | None = None,
        since: date | None = None,
        site: str = "",
        initiative: str = "",
        format: str = "json",  # noqa: A002  the name that callers expect
        caller: Caller = reader,
    ) -> Any:
        summary = office.summarise(caller, as_of=as_of, since=since, **_place(office, caller, site, initiative))
        if format == "markdown":
            return PlainTextResponse(markdown.render_summary(summary), media_type="text/markdown")
        if format == "html":
            return HTMLResponse(html.render_summary(summary))
        if format != "json":
            raise InvalidInputError(f'There is no format "{format[:20]}".', "Use json, markdown or html.")
        return summary

    @router.get(
        "/report",
        summary="The pack for a meeting, as a file",
        response_class=Response,
        responses={200: {"content": {each.media_type: {} for each in FORMATS.values()}}},
    )
    def report(
        as_of: date | None = None,
        since: date | None = None,
        site: str = "",
        initiative: str = "",
        format: str = "pptx",  # noqa: A002  the name that callers expect
        caller: Caller = reader,
    ) -> Response:
        found = find_format(format)
        pack = make_pack(office, caller, as_of=as_of, since=since, **_place(office, caller, site, initiative))
        named = {"Content-Disposition": f'attachment; filename="{pack.name}.{format.lower()}"'}
        return Response(found.make(pack, None), media_type=found.media_type, headers=named)

    @router.get("/assessment/next", summary="The next question of the structural assessment")
    def next_question(initiative: str = "", dimension: str = "", caller: Caller = reader) -> InterviewQuestion | None:
        return office.find_next_question(caller, initiative=initiative, dimension=dimension)

    @router.post("/assessment", status_code=201, summary="Answer a question of the assessment")
    def answer_question(body: Verdict, key: Key = "", caller: Caller = contributor) -> Entry:
        scoped = _scoped(caller, key)
        return office.answer_question(caller, **body.model_dump(), key=scoped, door=DOOR)

    @router.get("/checklist", summary="The checklist, those due first first")
    def checklist(
        initiative: str = "",
        owner: str = "",
        closed: bool = False,
        cursor: str = "",
        limit: Limit = 100,
        caller: Caller = reader,
    ) -> Page[ChecklistItem]:
        items = office.list_items(caller, initiative=initiative, owner=owner, closed=closed)
        return make_page(items, lambda item: f"{item.due_on or date.max}/{item.id}", cursor, limit)

    @router.get("/answers/{answer_id}/tasks", summary="The tasks of an answer, to be put on the checklist")
    def tasks(answer_id: str, caller: Caller = reader) -> tuple[ChecklistDraft, ...]:
        return office.draft_from_answer(advisor.get_answer(caller, answer_id))

    @router.post("/checklist", status_code=201, summary="Put tasks on the checklist; duplicates merge")
    def add_items(body: NewItems, key: Key = "", caller: Caller = contributor) -> tuple[Entry, ...]:
        drafts, given = _draft(office, advisor, caller, body)
        named = [draft.model_copy(update=given) for draft in drafts]
        return office.add_items(caller, named, key=_scoped(caller, key), door=DOOR)[0]

    @router.post("/checklist/{item}/done", status_code=201, summary="Tick an item off")
    def tick(item: str, body: Tick, key: Key = "", caller: Caller = contributor) -> tuple[Entry, ...]:
        return office.tick_item(caller, item, body.evidence, key=_scoped(caller, key), door=DOOR)

    @router.post("/import", status_code=201, summary="Import a CSV or XLSX file, all rows or none")
    def import_file(
        response: Response,
        body: Annotated[bytes, Body(media_type="application/octet-stream")],
        name: Annotated[str, Query(description="Name of the file, after the kind of record: initiatives.csv.")],
        kind: str = "",
        dry_run: bool = False,
        caller: Caller = contributor,
    ) -> tables.ImportReport:
        found = tables.parse_table(name, body, kind)
        report = tables.import_table(office, caller, found, dry_run=dry_run)
        if not report.recorded:
            response.status_code = 422 if report.problems else 200
        return report

    @router.get("/export", summary="The register as XLSX, or one kind of record as CSV", response_class=Response)
    def export_file(kind: RecordKind | None = None, caller: Caller = reader) -> Response:
        register = office.read_register(caller)
        if kind is None:
            raw, media, name = tables.write_xlsx(register, tuple(RecordKind)), _XLSX, "register.xlsx"
        else:
            raw, media, name = tables.write_csv(register, kind).encode(), "text/csv; charset=utf-8", f"{kind}.csv"
        return Response(raw, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    @router.post("/demo", status_code=201, summary="Fill an empty register with a believable company")
    def demo(caller: Caller = admin) -> Demo:
        return Demo(recorded=office.load_demo(caller, door=DOOR))

    return router


def _draft(
    office: ProgramOffice, advisor: Advisor, caller: Caller, body: NewItems
) -> tuple[tuple[ChecklistDraft, ...], dict[str, Any]]:
    """Return the tasks that a request means, and what it gives all of them."""
    initiative = office.find_initiative(caller, body.initiative) if body.initiative else ""
    drafts: tuple[ChecklistDraft, ...] = ()
    if body.answer:
        tasks = office.draft_from_answer(advisor.get_answer(caller, body.answer))
        drafts = _choose(tasks, body.chosen, initiative)
    drafts += office.draft_from_section(body.section) if body.section else ()
    drafts += office.draft_from_gate(caller, office.find_initiative(caller, body.gate)) if body.gate else ()
    drafts += office.draft_from_gap(caller, body.gap) if body.gap else ()
    if body.title:
        drafts += (ChecklistDraft(title=body.title, initiative=initiative),)
    if not drafts:
        raise InvalidInputError("Nothing says which tasks.", "Give answer, section, gate, gap or title.")
    asked = {"owner": body.owner, "due_on": body.due_on, "recurs_days": body.recurs_days}
    given = {name: value for name, value in asked.items() if value}
    return drafts, given


def _choose(tasks: Sequence[ChecklistDraft], chosen: Sequence[Chosen], initiative: str) -> tuple[ChecklistDraft, ...]:
    """Return the chosen tasks of an answer, with the owner and date of each."""
    if wrong := [choice.place for choice in chosen if choice.place >= len(tasks)]:
        raise InvalidInputError(f"The answer has no task {wrong[0]}.", "GET /api/v1/answers/{id}/tasks lists them.")
    return tuple(
        tasks[choice.place].model_copy(
            update={"owner": choice.owner, "due_on": choice.due_on, "initiative": initiative}
        )
        for choice in chosen or [Chosen(place=place) for place in range(len(tasks))]
    )


def _view(record: AnyRecord) -> RecordView:
    return RecordView(
        kind=record.fields.kind,
        subject=record.subject,
        version=record.version,
        since=record.since,
        as_of=record.as_of,
        recorded_by=record.recorded_by,
        fields=record.fields.model_dump(mode="json"),
    )


def _scoped(caller: Caller, key: str) -> str:
    """Return a key that no other caller's key can equal."""
    return f"{caller.id}:{key}" if key else ""


def _place(office: ProgramOffice, caller: Caller, site: str, initiative: str) -> dict[str, str]:
    return {
        "site": office.find_site(caller, site) if site else "",
        "initiative": office.find_initiative(caller, initiative) if initiative else "",
    }
