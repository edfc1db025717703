"""Reports as files: into the thread where they were asked for, holding what everyone who reads there may see."""

from __future__ import annotations

from advisor.domain.work import NewWork
from advisor.program.reports.formats import FORMATS, find_format
from advisor.program.reports.pack import make_pack
from integrations.slack.blocks import clip
from integrations.slack.desk import Desk, Request, admit
from integrations.slack.outgoing import Place

_SHOWN = "pptx, xlsx, pdf"


def send_report(desk: Desk, request: Request, rest: str) -> list[NewWork]:
    """Upload the pack for a meeting: `rest` names a format and an initiative, in any order; slides by default.

    Asked for below a message of a channel, it goes to that thread and holds what all members may see; a command and
    the Home tab are private, so theirs goes to a direct message.
    """
    words = rest.split()
    named = next((word for word in words if word.lower().lstrip(".") in FORMATS), "pptx")
    name = " ".join(word for word in words if word != named)
    found = find_format(named)
    asker = admit(desk, request, private=request.only_by_url or not request.channel)
    place = asker.place if not asker.is_private else Place("", user=request.user)
    office = desk.office
    initiative = office.find_initiative(asker.reader, name) if name else ""
    pack = make_pack(office, asker.reader, initiative=initiative)
    channel = place.channel or desk.client.conversations_open(users=request.user)["channel"]["id"]
    desk.client.files_upload_v2(
        channel=channel,
        thread_ts=place.thread or None,
        content=found.make(pack, None),
        filename=f"{pack.name}.{named.lower().lstrip('.')}",
        title=f"Gap summary, {pack.summary.as_of}",
        initial_comment=clip(f"{pack.summary.headline} Register up to entry {pack.summary.entries}.", 900),
    )
    return []
