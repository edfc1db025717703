"""Files made to harm whoever reads them: each is refused with a reason or read within limits, and answers go on."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.knowledge.readers.pool import MEMORY_BYTES, ReaderPool
from advisor.service import Advisor
from tests.knowledge.files import make_bomb, make_docx, make_pdf, make_pptx, make_xlsx

pytestmark = [pytest.mark.slow, pytest.mark.owasp("LLM10", "ASVS V5")]

LONG = "The shift lead decides about every alarm within ten minutes and writes the reason down."


def zipped(parts: dict[str, bytes], *, stored: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    return out.getvalue()


def unzipped(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def altered(raw: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    parts = unzipped(raw)
    return zipped(parts | {name: change(parts[name])})


def with_entities(body: bytes, depth: int, width: int) -> bytes:
    """Return XML whose entities grow by `width` at each of `depth` steps."""
    steps = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * width}">' for n in range(1, depth))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "{"A" * 50}">{steps}]>'.encode()
    return head + body.split(b"?>", 1)[-1].replace(LONG.encode(), f"&e{depth - 1};".encode())


def with_external(body: bytes, target: str) -> bytes:
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{target}">]>'.encode()
    return head + body.split(b"?>", 1)[-1].replace(LONG.encode(), b"&e;")


def nested_zip(levels: int) -> bytes:
    raw = b"0" * 1_000_000
    for _ in range(levels):
        raw = zipped({"word/document.xml": raw, "more.zip": raw})
    return raw


def lying_zip() -> bytes:
    """Return an archive whose directory says that a part is small, while it unpacks into two hundred megabytes."""
    raw = bytearray(zipped({"word/document.xml": b"0" * 200_000_000}))
    directory = raw.rfind(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = struct.pack("<I", 100)
    raw[22:26] = struct.pack("<I", 100)
    return bytes(raw)


def pdf_of(*objects: bytes, trailer: bytes = b"<< /Root 1 0 R /Size 9 >>") -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out) + b"trailer\n%s\nstartxref\n%d\n%%%%EOF" % (trailer, start)


def pdf_bomb() -> bytes:
    packed = zlib.compress(zlib.compress(b"BT (x) Tj ET " * 20_000_000))
    stream = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(packed), packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    return pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, stream)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
FILES: dict[str, Callable[[], bytes]] = {
    # archives
    "bomb.docx": make_bomb,
    "bomb.pptx": make_bomb,
    "bomb.xlsx": make_bomb,
    "bomb.epub": make_bomb,
    "many-entries.docx": lambda: zipped({f"{n}.xml": b"" for n in range(6_000)}),
    "nested.docx": lambda: nested_zip(6),
    "lying.docx": lying_zip,
    "traversal.docx": lambda: zipped({"../../../../tmp/escaped.xml": b"x", "word/document.xml": b"<x/>"}),
    "absolute.xlsx": lambda: zipped({"/tmp/escaped.xml": b"x"}),
    "nothing-in-it.pptx": lambda: zipped({}),
    "no-directory.docx": lambda: make_docx(LONG)[:-30],
    "only-a-head.xlsx": lambda: b"PK\x03\x04",
    "cut.epub": lambda: make_docx(LONG)[:200],
    "not-an-archive.docx": lambda: b"\x00" * 5_000,
    "old-binary.docx": lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 2_000,
    "same-name-twice.docx": lambda: make_docx(LONG) + make_docx(LONG),
    # XML in archives
    "laughs.docx": lambda: altered(make_docx(LONG), "word/document.xml", lambda x: with_entities(x, 10, 10)),
    "quadratic.docx": lambda: altered(make_docx(LONG), "word/document.xml", lambda x: with_entities(x, 2, 200_000)),
    "external.docx": lambda: altered(
        make_docx(LONG), "word/document.xml", lambda x: with_external(x, "file:///etc/passwd")
    ),
    "device.docx": lambda: altered(
        make_docx(LONG), "word/document.xml", lambda x: with_external(x, "file:///dev/zero")
    ),
    "deep.docx": lambda: altered(
        make_docx(LONG), "word/document.xml", lambda x: x.replace(LONG.encode(), b"<w:r>" * 50_000 + b"</w:r>" * 50_000)
    ),
    "attributes.docx": lambda: altered(
        make_docx(LONG),
        "word/document.xml",
        lambda x: x.replace(b"<w:body>", b"<w:body " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b">"),
    ),
    "laughs.pptx": lambda: altered(make_pptx(("A", LONG)), "ppt/slides/slide1.xml", lambda x: with_entities(x, 10, 10)),
    "laughs.xlsx": lambda: altered(
        make_xlsx([("a", LONG)]), "xl/worksheets/sheet1.xml", lambda x: with_entities(x, 10, 10)
    ),
    "external.xlsx": lambda: altered(
        make_xlsx([("a", LONG)]), "xl/worksheets/sheet1.xml", lambda x: with_external(x, "file:///etc/passwd")
    ),
    "vast-sheet.xlsx": lambda: altered(
        make_xlsx([("a", LONG)]), "xl/worksheets/sheet1.xml", lambda x: x.replace(b'r="A1"', b'r="XFD1048576"')
    ),
    "broken-xml.docx": lambda: altered(make_docx(LONG), "word/document.xml", lambda x: x[: len(x) // 2]),
    "no-document.docx": lambda: zipped({"[Content_Types].xml": b"<Types/>"}),
    # PDF
    "bomb.pdf": pdf_bomb,
    "loop-of-pages.pdf": lambda: pdf_of(CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
    "millions-of-pages.pdf": lambda: pdf_of(CATALOG, b"<< /Type /Pages /Kids [] /Count 2000000000 >>"),
    "deep-arrays.pdf": lambda: pdf_of(
        CATALOG, b"<< /Type /Pages /Kids " + b"[" * 100_000 + b"]" * 100_000 + b" /Count 1 >>"
    ),
    "own-length.pdf": lambda: pdf_of(CATALOG, b"<< /Length 2 0 R >>\nstream\nx\nendstream"),
    "loop-of-bookmarks.pdf": lambda: make_pdf([LONG]).replace(
        b"/Type /Catalog", b"/Type /Catalog /Outlines << /First 1 0 R /Last 1 0 R >>"
    ),
    "negative-offset.pdf": lambda: make_pdf([LONG]).replace(b"startxref\n", b"startxref\n-"),
    "loop-of-tables.pdf": lambda: pdf_of(CATALOG, trailer=b"<< /Root 1 0 R /Size 2 /Prev 9 /XRefStm 9 >>"),
    "encrypted.pdf": lambda: make_pdf([LONG]).replace(
        b"/Root 1 0 R", b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /O (x) /U (y) /P -4 >>"
    ),
    "script.pdf": lambda: make_pdf([LONG]).replace(
        b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"
    ),
    "launch.pdf": lambda: make_pdf([LONG]).replace(
        b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /Launch /F (/bin/sh) >>"
    ),
    "head-alone.pdf": lambda: b"%PDF-1.7\n",
    "garbage.pdf": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 2_000,
    # text
    "deep.html": lambda: b"<div>" * 60_000 + LONG.encode(),
    "many-tables.html": lambda: b"<table><tr><td>" * 2_000 + LONG.encode(),
    "attributes.html": lambda: b"<p " + b"a=" * 500_000 + b">" + LONG.encode(),
    "entities.html": lambda: b"<!DOCTYPE x [<!ENTITY a 'b'>]><p>" + b"&a;" * 300_000 + LONG.encode(),
    "deep.md": lambda: b">" * 50_000 + LONG.encode(),
    "brackets.md": lambda: b"[" * 50_000 + LONG.encode(),
    "emphasis.md": lambda: b"**a _b " * 30_000 + LONG.encode(),
    "lists.md": lambda: b"".join(b" " * (2 * n) + b"- x\n" for n in range(1_500)),
    "front-matter.md": lambda: b"---\na: &a [x]\nb: [*a, *a]\n---\n" + LONG.encode(),
    "wide.csv": lambda: b"a;" * 500_000 + b"\n" + b"b;" * 500_000,
    "field.csv": lambda: b'a,b\n"' + b"x" * 3_000_000,
    "parts.eml": lambda: b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    "deep.eml": lambda: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000)
    ),
    "head.eml": lambda: b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\n" + LONG.encode(),
    "nul.txt": lambda: b"\0" * 1_000_000,
    "bom.txt": lambda: b"\xff\xfe" + b"\xd8\x00" * 100_000,
    "one-line.txt": lambda: b"a" * 5_000_000,
    "binary.md": lambda: bytes(range(256)) * 1_000,
}
REFUSED = {
    "bomb.docx", "bomb.pptx", "bomb.xlsx", "bomb.epub", "many-entries.docx", "not-an-archive.docx", "old-binary.docx",
    "only-a-head.xlsx", "no-directory.docx", "cut.epub", "garbage.pdf", "head-alone.pdf", "nul.txt", "binary.md", "no-document.docx",
}  # fmt: skip
"""What can yield nothing at all; of the rest some is read, and some refused."""


def test_the_table_is_as_long_as_it_says() -> None:
    assert len(FILES) >= 40


def test_each_is_refused_with_a_reason_or_read_while_questions_are_answered(tmp_path: Path, advisor: Advisor) -> None:
    for name, make in FILES.items():
        (tmp_path / name).write_bytes(make())
    good = tmp_path / "zz-good.md"
    good.write_text(LONG)
    before = set(Path("/tmp").glob("escaped*"))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(lambda: list(ReaderPool(2, wall_seconds=15).read_all(sorted(tmp_path.iterdir()))))
        answers = 0
        while not reading.done():
            assert advisor.ask(LOCAL_CALLER, "How long should a shadow period be?").citations
            answers += 1
            time.sleep(0.5)
        readings = {found.path.name: found for found in reading.result()}
    assert answers > 1
    assert set(readings) == {*FILES, good.name}
    assert readings[good.name].extract
    silent = [name for name, found in readings.items() if not found.extract and not found.problem]
    assert silent == []
    assert [name for name in REFUSED if readings[name].extract] == []
    for name, found in readings.items():
        told = "".join(page.markdown for page in found.extract.pages) if found.extract else found.problem
        assert "root:" not in told, name
        assert str(tmp_path) not in found.problem, name
        assert len(told) < 20_000_000, name
    assert set(Path("/tmp").glob("escaped*")) == before


READING = """
import resource, sys
from pathlib import Path
from advisor.knowledge.readers.pool import ReaderPool

if __name__ == "__main__":
    list(ReaderPool(1, wall_seconds=30).read_all([Path(sys.argv[1])]))
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def test_a_reader_takes_no_more_memory_than_it_may_have(tmp_path: Path) -> None:
    """Read by a process of its own, whose children are the readers and nothing else."""
    (tmp_path / "laughs.docx").write_bytes(FILES["laughs.docx"]())
    (tmp_path / "reading.py").write_text(READING)
    command = [sys.executable, str(tmp_path / "reading.py"), str(tmp_path / "laughs.docx")]
    assert 0 < int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) <= MEMORY_BYTES
