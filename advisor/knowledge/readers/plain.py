"""Plain formats: Markdown, text, CSV, HTML and mail."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage

from bs4 import BeautifulSoup
from charset_normalizer import from_bytes

from advisor.knowledge.readers.extract import Extract, Page, UnreadableError
from advisor.knowledge.readers.office import to_markdown

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NOT_CONTENT = ("script", "style", "nav", "footer", "aside", "template", "noscript", "iframe", "object", "form")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_FIELD = re.compile(r"^(\w+):[ \t]*(.+)$", re.MULTILINE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MOST_CONTROLS = 0.01
_MARK = re.compile(r"^(\s*)([#>*+\-=|`~_])", re.MULTILINE)
_NUMBER = re.compile(r"^(\s*\d{1,9})([.)])", re.MULTILINE)
_WIDEST_TABLE = 60


def decode(raw: bytes) -> str:
    """Return a text in whatever encoding it is; raise UnreadableError for what is no text."""
    text = next((raw.decode(codec, "replace") for mark, codec in _BOMS if raw.startswith(mark)), None)
    if text is None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            best = from_bytes(raw[:200_000]).best()
            if best is None:
                raise UnreadableError("not text in any encoding that is known") from None
            text = raw.decode(best.encoding, "replace")
    if len(_CONTROLS.findall(text)) > _MOST_CONTROLS * max(1, len(text)):
        raise UnreadableError("not text")
    return _CONTROLS.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def read_markdown(raw: bytes) -> Extract:
    """Read Markdown; of front matter only title and review date are kept."""
    text = decode(raw)
    front = _FRONT_MATTER.match(text)
    told = dict(_FIELD.findall(front[0])) if front else {}
    kept = "\n".join(f"{name}: {told[name]}" for name in told if name.lower() in {"review_by", "review_date"})
    title = told.get("title", "").strip(" \"'")
    return Extract(title, (Page(None, f"{kept}\n\n{text[front.end() :] if front else text}".strip()),))


def read_text(raw: bytes) -> Extract:
    """Read plain text: its characters are not taken for Markdown."""
    return Extract("", (Page(None, escape_markdown(decode(raw))),))


def read_csv(raw: bytes) -> Extract:
    """Read a table; the first row is its header."""
    text = decode(raw)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise UnreadableError(f"not a table ({error})") from None
    return Extract("", (Page(None, render_table(rows)),)) if rows else Extract("", ())


def read_html(raw: bytes) -> Extract:
    """Read a web page without navigation, footers and scripts."""
    soup = BeautifulSoup(raw, "lxml")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for node in soup.find_all(_NOT_CONTENT):
        node.decompose()
    return Extract(title, (Page(None, to_markdown(str(soup).encode(), ".html")),))


def read_mail(raw: bytes) -> Extract:
    """Read the text of a mail; attachments are left out."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise UnreadableError("not a mail")
    subject = str(message.get("subject", "")).strip()
    try:
        body = message.get_body(("plain", "html"))
        content = body.get_content() if body else ""
    except (LookupError, ValueError, KeyError) as error:
        raise UnreadableError(f"the text of the mail cannot be read ({type(error).__name__})") from None
    if body is not None and body.get_content_subtype() == "html":
        content = read_html(str(content).encode()).pages[0].markdown
    else:
        content = escape_markdown(str(content))
    about = [f"From: {message.get('from', '')}", f"Date: {message.get('date', '')}"]
    return Extract(subject, (Page(None, "\n\n".join([*map(escape_markdown, about), content])),))


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table whose first row is the header."""
    width = min(max(len(row) for row in rows), _WIDEST_TABLE)
    even = [[cell.strip().replace("|", "\\|").replace("\n", " ") for cell in row[:width]] for row in rows]
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in even]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def escape_markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, paragraph by paragraph."""
    plain = _NUMBER.sub(r"\1\\\2", _MARK.sub(r"\1\\\2", text))
    return plain.replace("<", "&lt;")


READERS: dict[str, Callable[[bytes], Extract]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".csv": read_csv,
    ".html": read_html,
    ".htm": read_html,
    ".eml": read_mail,
}
