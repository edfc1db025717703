"""Web API methods of files: a place to upload to, and the message that shares what was uploaded."""

from __future__ import annotations

import json
from dataclasses import dataclass

from integrations.slack.simulator.errors import ApiError, Json
from integrations.slack.simulator.registry import method
from integrations.slack.simulator.world import BOT_USER_ID, World


@dataclass(slots=True)
class File:
    """A file on its way, or shared in `channel`."""

    id: str
    name: str
    length: int
    content: bytes = b""
    title: str = ""
    channel: str = ""
    thread_ts: str = ""


@method("files.getUploadURLExternal", "alt_txt snippet_type", required="filename length")
def get_upload_url(world: World, args: Json) -> Json:
    """Return where a file of this length may be sent."""
    length = int(args["length"])
    if length <= 0:
        raise ApiError("invalid_arguments", ["length must be positive"])
    file = File(world.new_id("F"), str(args["filename"]), length)
    world.files[file.id] = file
    return {"file_id": file.id, "upload_url": f"{world.address}/upload/{file.id}"}


def take(world: World, id_: str, content: bytes) -> int:
    """Keep what was uploaded, and return the HTTP status."""
    with world.lock:
        file = world.files.get(id_)
        if file is None or len(content) != file.length:
            return 400
        file.content = content
        return 200


@method("files.completeUploadExternal", "channel_id channels initial_comment thread_ts", required="files")
def complete_upload(world: World, args: Json) -> Json:
    """Share files in a channel or a thread."""
    given = json.loads(args["files"]) if isinstance(args["files"], str) else args["files"]
    shared = []
    for entry in given:
        file = world.files.get(entry["id"])
        if file is None or not file.content:
            raise ApiError("file_not_found")
        file.title = entry.get("title") or file.name
        shared.append(file)
    if args.get("channel_id"):
        channel = world.channel(args["channel_id"], member=True)
        root = world.thread_root(channel, args.get("thread_ts"))
        message = world.post(channel, BOT_USER_ID, text=args.get("initial_comment") or "", thread_ts=root)
        message.files = [file.name for file in shared]
        for file in shared:
            file.channel, file.thread_ts = channel.id, root or ""
    return {"files": [{"id": file.id, "title": file.title} for file in shared]}
