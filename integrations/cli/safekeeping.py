"""`advisor backup` and `advisor restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from advisor.settings import load_settings

_out = Console(highlight=False)


def add_safekeeping(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    target: Annotated[Path, typer.Argument(help="The .zip to write, or a folder for one named by the moment.")],
) -> None:
    """Write database, playbooks, prompts and the list of collections to one archive, while everything goes on."""
    from advisor.safekeeping import back_up  # noqa: PLC0415  opens the database

    archive, manifest = back_up(load_settings(), target)
    _out.print(
        f"Wrote {escape(str(archive))}: {sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, "
        f"{len(manifest.files)} files. It holds what everyone asked and recorded: keep it as safe as the database.",
        soft_wrap=True,
    )


def restore(
    archive: Annotated[Path, typer.Argument(help="A file that `advisor backup` wrote.")],
    playbooks: Annotated[
        Path | None, typer.Option(help="A new folder for the playbooks of the backup; else they stay in the archive.")
    ] = None,
) -> None:
    """Fill an empty database from a backup, SQLite or PostgreSQL, whichever it came from."""
    from advisor.safekeeping import restore as bring_back  # noqa: PLC0415  opens the database

    restored = bring_back(load_settings(), archive, playbooks)
    rows = restored.manifest.rows
    _out.print(
        f"Restored {sum(rows.values())} rows of {len(rows)} tables, as of "
        f"{restored.manifest.made_at:%d %b %Y, %H:%M} UTC. Now run `advisor ingest`, then `advisor doctor`.",
        soft_wrap=True,
    )
    if restored.differing:
        _out.print(
            f"{len(restored.differing)} playbooks here are other than those of the backup "
            f"({escape(', '.join(restored.differing[:5]))}): `--playbooks FOLDER` would have brought them back; "
            "they are in the archive, which is a zip.",
            soft_wrap=True,
        )
