"""`advisor ingest` and `advisor collections`: the playbooks and the company's own documents."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.knowledge import BuildReport, Collection, LibraryReport, Tier
from advisor.errors import InvalidInputError
from advisor.settings import load_settings

collections_app = typer.Typer(help="The folders of your own documents.", invoke_without_command=True)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)
_MOST_SHOWN = 200


def add_ingest(app: typer.Typer) -> None:
    """Add `ingest`."""

    @app.command()
    def ingest(
        paths: Annotated[list[Path] | None, typer.Argument(help="Folders of documents to add as collections.")] = None,
        name: Annotated[str, typer.Option(help="Name of the collection; else the folder's.")] = "",
        label: Annotated[
            str | None,
            typer.Option(help='Access label; a new folder without one is open to everyone, "" opens a labelled one.'),
        ] = None,
        tier: Annotated[Tier | None, typer.Option(help="How far the documents are trusted; else company.")] = None,
        rebuild: Annotated[bool, typer.Option(help="Export the model and embed the playbooks anew.")] = False,
    ) -> None:
        """Index the playbooks and your documents; only what changed is read and embedded."""
        settings = load_settings()
        for path in paths or ():
            _add(path, name, label, tier, many=len(paths or ()) > 1)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with ProgressBar(*columns, console=_err) as bar:
            tasks: dict[str, TaskID] = {}

            def show(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bar.add_task(stage, total=total)
                bar.update(tasks[stage], completed=done, total=total)

            built = bootstrap.build_ingest(settings, rebuild=rebuild, progress=show).run(rebuild=rebuild, progress=show)
            found = None
            if bootstrap.load_collections(settings) or settings.library_dir.is_dir():
                found = bootstrap.build_library_ingest(settings).run(progress=show)
        _tell_playbooks(built)
        if found is not None:
            _tell_library(found)


def _add(path: Path, name: str, label: str | None, tier: Tier | None, *, many: bool) -> None:
    """Add a folder as a collection. One that is known keeps the label and the tier that are not given anew."""
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        raise InvalidInputError(f"{path} is not a folder.", "Give the folder that holds the documents.")
    if name and many:
        raise InvalidInputError("One name cannot stand for several folders.", "Add them one by one.")
    listed = bootstrap.open_collections(load_settings())
    known = {collection.name: collection for collection in listed.load()}.get(name or folder.name)
    if known and Path(known.path) != folder:
        raise InvalidInputError(
            f'There is a collection "{known.name}" of another folder ({known.path}).',
            f"Give this one a name of its own (--name), or first `advisor collections remove {known.name}`.",
        )
    before = known or Collection(name=name or folder.name, path=str(folder))
    given = {"label": label, "tier": tier}
    collection = before.model_copy(update={key: value for key, value in given.items() if value is not None})
    listed.put(collection)
    if known and known.label != collection.label:
        words = (known.label or "everyone", collection.label or "everyone")
        _out.print(f"Label of {escape(collection.name)}: {escape(words[0])} → {escape(words[1])}")


def _tell_playbooks(report: BuildReport) -> None:
    if report.unchanged:
        _out.print(f"Nothing changed: {report.playbooks} playbooks, {report.sections} sections are indexed.")
    else:
        _out.print(
            f"Indexed {report.playbooks} playbooks: {report.sections} sections, {report.questions} questions; "
            f"embedded {report.embedded} texts, reused {report.reused}."
        )


def _tell_library(report: LibraryReport) -> None:
    _out.print(
        f"Documents: {len(report.indexed)} indexed, {report.unchanged} unchanged, {report.removed} removed, "
        f"{len(report.skipped)} skipped; {report.sections} sections, {report.embedded} texts embedded."
    )
    for skipped in report.skipped[:_MOST_SHOWN]:
        _out.print(f"  skipped {escape(skipped.path)}: {escape(skipped.reason)}", soft_wrap=True)
    if len(report.skipped) > _MOST_SHOWN:
        _out.print(f"  and {len(report.skipped) - _MOST_SHOWN} more")


@collections_app.callback()
def show(context: typer.Context) -> None:
    """List the collections: folder, label, tier, number of documents, age of the index."""
    if context.invoked_subcommand:
        return
    settings = load_settings()
    collections = bootstrap.load_collections(settings)
    if not collections:
        _out.print("There are no collections. Add one with `advisor ingest FOLDER --label LABEL`.")
        return
    documents = bootstrap.build_library(settings).list_documents(LOCAL_CALLER)
    built = bootstrap.find_library_age(settings)
    age = _word_age(built) if built else "never read"
    table = Table("collection", "documents", "label", "tier", "stale", "read", "folder", box=None)
    today = datetime.now(UTC).date()
    for collection in collections:
        mine = [document for document in documents if document.collection == collection.name]
        stale = sum(bool(document.review_by and document.review_by < today) for document in mine)
        label = escape(collection.label) or "everyone"
        table.add_row(
            escape(collection.name), str(len(mine)), label, collection.tier.value, str(stale), age,
            escape(collection.path),
        )  # fmt: skip
    _out.print(table)


def _word_age(then: datetime) -> str:
    days = (datetime.now(UTC) - then).days
    return "today" if not days else f"{days} days ago"


@collections_app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of the collection.")]) -> None:
    """Take a collection out of answers and off the disk; its folder is not touched."""
    settings = load_settings()
    listed = bootstrap.open_collections(settings)
    before = listed.load()
    listed.remove(name)
    try:
        _tell_library(bootstrap.build_library_ingest(settings).run())
    except BaseException:  # as long as it answers, it is listed
        for collection in before:
            listed.put(collection)
        raise
