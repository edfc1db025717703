"""`advisor keys` and `advisor audit`: who may use the API, and what was done with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from advisor import bootstrap
from advisor.domain.identity import LOCAL_CALLER, WORK_AREAS, Area, NewKey, Permission
from advisor.errors import AdvisorError, InvalidInputError
from advisor.settings import load_settings

keys_app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
audit_app = typer.Typer(help="Read and check the audit log; erase a person.", no_args_is_help=True)
_out = Console(highlight=False)
_LIFETIME = re.compile(r"^(\d{1,4})\s*(d|h)?$")
_LONGEST = timedelta(days=731)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for: intranet, reporting script, ...")],
    permission: Annotated[Permission, typer.Option(help="The most it may do.")] = Permission.READER,
    group: Annotated[list[str] | None, typer.Option(help="An access label that it opens; repeat for more.")] = None,
    area: Annotated[
        list[Area] | None,
        typer.Option(help="A part of the API that it opens: ask and program unless given; repeat for more."),
    ] = None,
    expires: Annotated[str, typer.Option(help="For how long: 90d, 12h.")] = "90d",
) -> None:
    """Make a key and show its secret, this once."""
    now = datetime.now(UTC)
    given = NewKey(
        name=_read_name(name),
        permission=permission,
        groups=tuple(group or ()),
        areas=tuple(area or WORK_AREAS),
        expires_at=now + _read_lifetime(expires),
    )
    key, secret = bootstrap.build_keys(load_settings()).create(LOCAL_CALLER, given)
    _out.print(f"Key {key.id} ({escape(key.name)}), {key.permission.value}, until {key.expires_at:%d %b %Y %H:%M} UTC.")
    _out.print("Its secret, which cannot be shown again:")
    print(secret)


@keys_app.command("list")
def list_keys() -> None:
    """List the keys."""
    keys = bootstrap.build_keys(load_settings()).list_all()
    if not keys:
        _out.print("There are no keys. Make one with `advisor keys create NAME`.")
        return
    now = datetime.now(UTC)
    table = Table("key", "name", "permission", "groups", "areas", "until", "state", "last used", box=None)
    for key in keys:
        table.add_row(
            key.id,
            escape(key.name),
            key.permission.value,
            escape(", ".join(key.groups)),
            ", ".join(area.value for area in key.areas),
            f"{key.expires_at:%d %b %Y}",
            key.describe(now),
            f"{key.used_at:%d %b %Y %H:%M}" if key.used_at else "never",
        )
    _out.print(table)


@keys_app.command("revoke")
def revoke_key(key: Annotated[str, typer.Argument(help="The id of the key, as listed.")]) -> None:
    """End a key at once, with every widget token made with it."""
    revoked = bootstrap.build_keys(load_settings()).revoke(LOCAL_CALLER, key)
    _out.print(f"Key {revoked.id} ({escape(revoked.name)}) is revoked.")


@audit_app.command("show")
def show_audit(
    who: Annotated[str, typer.Option(help="Only what this person or key did: an e-mail address, key:ID.")] = "",
    last: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
) -> None:
    """Show the newest lines: what was written, and who read what is restricted."""
    log = bootstrap.build_audit(load_settings())
    pseudonym = log.find_pseudonym(who) if who else ""
    table = Table("line", "when (UTC)", "who", "did", "on", "detail", box=None)
    for line in log.find_newest(last, pseudonym):
        table.add_row(
            str(line.number),
            f"{line.at:%Y-%m-%d %H:%M:%S}",
            line.who,
            line.action,
            escape(line.subject),
            escape(line.detail),
        )
    _out.print(table)


@audit_app.command("verify")
def verify_audit(
    head: Annotated[str, typer.Option(help="A digest noted earlier, that must still be in the chain.")] = "",
) -> None:
    """Check that no line was changed, removed or added out of turn."""
    verdict = bootstrap.build_audit(load_settings()).verify(head)
    if verdict.problem:
        raise AdvisorError(
            f"The audit log does not hold: {verdict.problem}.", "Compare the database with a backup from before."
        )
    _out.print(f"{verdict.lines} lines hold. Note the head elsewhere, so that a cut at the end shows:")
    print(verdict.head)


@audit_app.command("erase")
def erase_person(
    person: Annotated[str, typer.Argument(help="E-mail address, as the advisor knows the person.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person: conversations, opinions, and the link between audit log and person."""
    if not yes and not typer.confirm(f"Erase {person}? This cannot be undone."):
        _out.print("Nothing was erased.")
        return
    dropped = bootstrap.build_audit(load_settings()).erase(LOCAL_CALLER, person.strip().lower())
    _out.print(
        f"{escape(person)} is erased: {dropped} answers deleted. What they recorded stays, under a pseudonym; "
        "where others named them in a record, correct the record with `advisor record`."
    )


def _read_name(name: str) -> str:
    if not name.strip() or len(name) > 80:
        raise InvalidInputError("A key needs a name of at most 80 characters.", "Say what the key is for.")
    return name.strip()


def _read_lifetime(text: str) -> timedelta:
    found = _LIFETIME.match(text.strip().lower())
    length = timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])}) if found else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise InvalidInputError(f'"{text[:20]}" is not a time that a key may live.', "Use 1h to 731d, for example 90d.")
    return length
