"""Pages for browsers: chat, playbooks, the program, and a demonstration of an intranet with the widget."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from advisor.domain.identity import Area, Caller, Permission
from advisor.domain.knowledge import DocumentHead, Section, Statement
from advisor.errors import ConflictError, InvalidInputError, NotFoundError
from advisor.program.check_in import read_check_in
from advisor.program.conditions import word_date
from advisor.program.office import ProgramOffice
from advisor.service import Advisor
from integrations.web.ask import find_sections, list_playbooks
from integrations.web.guard import Guard
from integrations.web.program_page import draw_page
from integrations.web.rendering import render_page

DOOR = "web"
Page = Annotated[int, PathParameter(ge=1, le=100_000)]
_STATIC = Path(__file__).parent / "static"
_FILES = {"/": "index.html", "/demo": "demo.html", "/widget.js": "widget.js"}
_SAID = {
    "check-in": "The check-in is recorded.",
    "assessment": "The answer is recorded.",
    "done": "The action is ticked off.",
}


class _Form(dict[str, str]):
    """What was sent; a field that was not is empty, in code and in templates."""

    def __missing__(self, _: str) -> str:
        return ""


async def _read_form(request: Request) -> _Form:
    """Return the fields of a posted form, or raise InvalidInputError."""
    try:
        return _Form(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise InvalidInputError("The form cannot be read.", "Send it again from the page.") from None


FORM = Depends(_read_form)


def add_pages(app: FastAPI, advisor: Advisor, office: ProgramOffice, guard: Guard) -> None:
    """Add the pages and the files that they load."""
    for path, name in _FILES.items():
        app.add_api_route(path, _serve_file(name), include_in_schema=False, response_class=FileResponse)
    app.include_router(_create_playbook_router(advisor, guard))
    app.include_router(_create_program_router(office, guard))
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")


def _serve_file(name: str) -> Any:
    def serve() -> FileResponse:
        return FileResponse(_STATIC / name, headers={"Cache-Control": "no-cache"})

    return serve


def _create_playbook_router(advisor: Advisor, guard: Guard) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    reader = guard.needs(Permission.READER, Area.ASK)

    @router.get("/playbooks")
    def playbooks(_: Caller = reader) -> HTMLResponse:
        return render_page("playbooks.html", title="Playbooks", playbooks=list_playbooks(advisor))

    @router.get("/playbooks/{playbook_id}")
    def playbook(playbook_id: str, _: Caller = reader) -> HTMLResponse:
        sections = find_sections(advisor, playbook_id)
        return render_page(
            "playbook.html",
            title=sections[0].playbook_title,
            sections=sections,
            groups=_group,
            about=_word_review(sections[0]),
        )

    @router.get("/documents/{document_id}")
    def document(document_id: str, caller: Caller = reader) -> HTMLResponse:
        head, sections = advisor.get_document(caller, document_id)
        return render_page(
            "playbook.html",
            title=head.title,
            sections=sections,
            groups=_group,
            about=f"{head.collection} › {head.path}{_word_change(head)}",
        )

    @router.get("/documents/{document_id}/pages/{page}")
    def page_of_document(document_id: str, page: Page, caller: Caller = reader) -> RedirectResponse:
        """Lead to a page: of the file where a browser can open it, or else of the text."""
        head, sections = advisor.get_document(caller, document_id)
        if head.path.lower().endswith(".pdf"):
            return RedirectResponse(f"/documents/{document_id}/file#page={page}")
        there = [section.id for section in sections if any(s.page == page for s in section.statements)]
        return RedirectResponse(f"/documents/{document_id}#{there[0].partition('/')[2] if there else ''}")

    @router.get("/documents/{document_id}/file")
    def file_of_document(document_id: str, caller: Caller = reader) -> Response:
        """Send the file of a document: a PDF to be looked at, anything else to be saved."""
        head, content = advisor.get_document_file(caller, document_id)
        pdf = head.path.lower().endswith(".pdf")
        shown = "inline" if pdf else "attachment"
        named = {"Content-Disposition": f"{shown}; filename*=UTF-8''{quote(head.path.rpartition('/')[2])}"}
        return Response(content, media_type="application/pdf" if pdf else "application/octet-stream", headers=named)

    return router


def _word_review(section: Section) -> str:
    return f"Reviewed {word_date(section.reviewed_on)}" if section.reviewed_on else "Not reviewed yet"


def _word_change(head: DocumentHead) -> str:
    return f", changed {word_date(head.modified_on)}" if head.modified_on else ""


def _group(section: Section) -> list[list[Statement]]:
    """Return the statements of a section, those of one kind that follow each other together."""
    return [list(found) for _, found in groupby(section.statements, key=lambda statement: statement.kind)]


def _create_program_router(office: ProgramOffice, guard: Guard) -> APIRouter:
    router = APIRouter(include_in_schema=False, prefix="/program")
    reader = guard.needs(Permission.READER, Area.PROGRAM)
    contributor = guard.needs(Permission.CONTRIBUTOR, Area.PROGRAM)

    def show(caller: Caller, place: Mapping[str, str], **more: Any) -> HTMLResponse:
        more.setdefault("form", _Form())
        page = draw_page(office, caller, site=place["site"], initiative=place["initiative"], **more)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if page["problem"] else HTTPStatus.OK
        return render_page("program.html", status, title="Program", key=uuid.uuid4().hex, **page)

    def record(caller: Caller, form: _Form, said: str, section: str, write: Any) -> Response:
        """Do what a form asks, and show the page anew; what cannot be done is said, with the form as it was."""
        place = {"site": form["at_site"], "initiative": form["at_initiative"]}
        try:
            write(f"{caller.id}:{form['key']}" if form["key"] else "")
        except (InvalidInputError, NotFoundError) as error:
            return show(caller, place, problem=str(error), form=form, back_to=section)
        except ConflictError as error:  # sent before, then changed on the way back: the page now carries a new key
            again = "This form was sent before. Press its button again to record what it says now."
            said = again if error.problem.startswith("The key") else str(error)
            return show(caller, place, problem=said, form=form, back_to=section)
        query = urlencode({name: value for name, value in place.items() if value} | {"said": said})
        return RedirectResponse(f"/program?{query}#{section}", HTTPStatus.SEE_OTHER)

    @router.get("")
    def program(site: str = "", initiative: str = "", said: str = "", caller: Caller = reader) -> HTMLResponse:
        return show(caller, {"site": site, "initiative": initiative}, said=_SAID.get(said, ""))

    @router.get("/{_:path}")
    def back(_: str) -> RedirectResponse:
        """Return whoever has the address of a form to the page."""
        return RedirectResponse("/program", HTTPStatus.SEE_OTHER)

    @router.post("/check-in")
    def check_in(form: _Form = FORM, caller: Caller = contributor) -> Response:
        def write(key: str) -> None:
            office.record(caller, read_check_in(form), key=key, door=DOOR)

        return record(caller, form, "check-in", "check-in", write)

    @router.post("/assessment")
    def assessment(form: _Form = FORM, caller: Caller = contributor) -> Response:
        def write(key: str) -> None:
            office.answer_question(
                caller,
                form["criterion"],
                form["verdict"],
                initiative=form["at_initiative"],
                note=form["note"],
                key=key,
                door=DOOR,
            )

        return record(caller, form, "assessment", "assessment", write)

    @router.post("/items/{item}/done")
    def done(item: str, form: _Form = FORM, caller: Caller = contributor) -> Response:
        form["item"] = item
        return record(
            caller,
            form,
            "done",
            "actions",
            lambda key: office.tick_item(caller, item, form["evidence"], key=key, door=DOOR),
        )

    return router
