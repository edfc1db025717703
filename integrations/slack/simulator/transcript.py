"""Everything that was said and filled in, as one HTML page that needs nothing else."""

from __future__ import annotations

import html
from datetime import UTC, datetime

from integrations.slack.simulator import drawing
from integrations.slack.simulator.errors import Json
from integrations.slack.simulator.world import BOT_USER_ID, Channel, Message, World

_STYLE = """
:root { color-scheme: light; font: 15px/1.46 system-ui, sans-serif; color: #1d1c1d }
body { margin: 0; padding: 1.5rem; background: #f4ede4 }
h1 { font-size: 1.4rem; margin: 0 0 1rem }
main { display: flex; gap: 1.25rem; align-items: flex-start; overflow-x: auto; padding-bottom: 1rem }
section.channel { flex: 0 0 34rem; background: #fff; border-radius: 10px; overflow: hidden }
section.channel > h2 { margin: 0; padding: .7rem 1rem; font-size: 1rem; background: #3f0e40; color: #fff }
article { display: grid; grid-template-columns: 2.2rem 1fr; gap: .6rem; padding: .55rem 1rem }
.face { width: 2.2rem; height: 2.2rem; border-radius: 6px; background: #7c8792; color: #fff; text-align: center;
  line-height: 2.2rem; font-weight: 700 }
.bot .face { background: #1264a3 }
.thread { margin: 0 0 .5rem 2.4rem; border-left: 3px solid #ddd }
.only { background: #fdf6e3 }
.note { color: #616061; font-size: .8rem; font-style: italic }
time, .badge { color: #616061; font-size: .75rem; margin-left: .4rem }
.badge { background: #e8e8e8; border-radius: 3px; padding: 0 .3rem }
.text { white-space: pre-wrap; overflow-wrap: anywhere }
.heading { font-size: 1.05rem }
h3 { margin: .4rem 0; font-size: 1.1rem }
hr { border: 0; border-top: 1px solid #ddd; margin: .5rem 0 }
.section { display: flex; justify-content: space-between; gap: .75rem; margin: .3rem 0; align-items: flex-start }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem 1rem }
.context { color: #616061; font-size: .82rem; display: flex; flex-wrap: wrap; gap: .6rem; margin: .3rem 0 }
.actions { display: flex; flex-wrap: wrap; gap: .5rem; margin: .45rem 0 }
.button { border: 1px solid #bbb; border-radius: 4px; padding: .15rem .7rem; font-weight: 600; white-space: nowrap }
.button.primary { background: #007a5a; border-color: #007a5a; color: #fff }
.button.danger { background: #e01e5a; border-color: #e01e5a; color: #fff }
.button.feedback { border-radius: 1rem; font-weight: 400 }
.field { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: .15rem .6rem }
.field.empty { color: #868686 }
.input { margin: .4rem 0 } .input label { display: block; font-weight: 600 }
.modal { border: 1px solid #bbb; border-radius: 8px; margin: .6rem 1rem; padding: .5rem 1rem 1rem }
.alert { background: #fde8ef; padding: .3rem .6rem; border-radius: 4px }
.mention { background: #e8f5fa; color: #1264a3 }
.image, .unknown { border: 1px dashed #bbb; padding: .1rem .5rem; color: #616061 }
.bar { display: inline-block; height: .7rem; background: #1264a3 } .b1 { background: #b35806 }
.chart td { border: 0; padding: .05rem .4rem }
.file { border: 1px solid #bbb; border-radius: 6px; padding: .2rem .6rem; display: inline-block }
table { border-collapse: collapse; font-size: .85rem; margin: .4rem 0; display: block; overflow-x: auto }
th, td { border: 1px solid #ddd; padding: .2rem .5rem; text-align: left; vertical-align: top }
th { background: #f8f8f8 }
pre, code { background: #f4f4f4; border-radius: 3px; padding: 0 .2rem }
q { border-left: 3px solid #ccc; padding-left: .5rem }
"""


def render(world: World, title: str) -> str:
    """Return the page."""
    columns = [_channel(world, channel) for channel in world.channels.values() if channel.messages]
    columns += [_home(world, user, view) for user, view in world.homes.items()]
    if world.submissions:
        forms = "".join(_submission(world, submission) for submission in world.submissions)
        columns.append(f'<section class="channel"><h2>Submitted forms</h2>{forms}</section>')
    name = html.escape(title)
    head = f'<meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    body = f"<h1>{name}</h1><main>{''.join(columns)}</main>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _channel(world: World, channel: Channel) -> str:
    sign = "🔒 " if channel.private else "# "
    name = f"Direct message with {world.users[channel.members[0]].name}" if channel.is_im else sign + channel.name
    if channel.shared:
        name += " (shared with another company)"
    roots = [message for message in channel.messages if message.thread_ts is None]
    body = "".join(_thread(world, channel, root) for root in roots)
    return f'<section class="channel"><h2>{html.escape(name)}</h2>{body}</section>'


def _home(world: World, user: str, view: Json) -> str:
    names = _names(world)
    body = drawing.blocks(view["blocks"], names, view["state"]["values"])
    title = html.escape(f"Home of {names(user)}")
    return f'<section class="channel"><h2>{title}</h2><div class="modal">{body}</div></section>'


def _thread(world: World, channel: Channel, root: Message) -> str:
    replies = [_message(world, m) for m in channel.messages if m.thread_ts == root.ts and not m.deleted]
    thread = f'<div class="thread">{"".join(replies)}</div>' if replies else ""
    if root.deleted:
        return f'<p class="note">This message was deleted.</p>{thread}' if thread else ""
    return _message(world, root) + thread


def _message(world: World, message: Message) -> str:
    names = _names(world)
    author = names(message.user)
    css = ("bot" if message.user == BOT_USER_ID else "person") + (" only" if message.only_for else "")
    badges = "".join(
        f'<span class="badge">{badge}</span>'
        for badge, shown in (("APP", message.user == BOT_USER_ID), ("edited", message.edited), ("…", message.streaming))
        if shown
    )
    note = f'<div class="note">only visible to {html.escape(names(message.only_for))}</div>' if message.only_for else ""
    streamed = message.markdown or bool(message.chunks)
    shows_text = streamed or not message.blocks
    body = drawing.text(message.text, names) if shows_text and message.text else ""
    body += "".join(f'<div class="note">{html.escape(_card(card))}</div>' for card in message.chunks)
    body += drawing.blocks(message.blocks, names, message.state)
    body += "".join(f'<span class="file">📄 {html.escape(name)}</span>' for name in message.files)
    body += "".join(f'<span class="badge">:{html.escape(n)}: {len(u)}</span>' for n, u in message.reactions.items())
    return (
        f'<article class="{css}"><div class="face">{html.escape(author[:1].upper())}</div><div>{note}'
        f"<b>{html.escape(author)}</b>{_time(message.ts)}{badges}{body}</div></article>"
    )


def _submission(world: World, submission: Json) -> str:
    view, names = submission["view"], _names(world)
    title = f"<h3>{html.escape(view['title']['text'])}</h3>"
    who = f'<div class="note">submitted by {html.escape(names(submission["user"]))}{_time(submission["ts"])}</div>'
    return f'<div class="modal">{title}{who}{drawing.blocks(view["blocks"], names, view["state"]["values"])}</div>'


def _card(card: Json) -> str:
    return f"{card.get('title', '')} ({card['status']})" if card.get("status") else str(card.get("title", ""))


def _names(world: World) -> drawing.Names:
    def name(known: str) -> str:
        if known in world.channels:
            return world.channels[known].name
        return world.users[known].name if known in world.users else known

    return name


def _time(ts: str) -> str:
    moment = datetime.fromtimestamp(float(ts), UTC)
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%H:%M}</time>'
