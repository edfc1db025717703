from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from advisor.domain.identity import LOCAL_CALLER
from advisor.domain.records import FIELDS, RecordKind
from advisor.errors import InvalidInputError
from advisor.program import tables
from advisor.program.office import ProgramOffice


def _import(office: ProgramOffice, file: Path) -> list[str]:
    report = tables.import_table(office, LOCAL_CALLER, tables.read_table(file))
    return [f"{problem.place}: {problem.problem}" for problem in report.problems]


def test_an_exported_workbook_imports_to_the_same_records(
    demo: ProgramOffice, empty: ProgramOffice, tmp_path: Path
) -> None:
    file = tmp_path / "register.xlsx"
    exported = demo.read_register(LOCAL_CALLER)
    file.write_bytes(tables.write_xlsx(exported))
    assert _import(empty, file) == []
    imported = empty.read_register(LOCAL_CALLER)
    for kind in RecordKind:
        assert [(r.subject, r.fields) for r in imported.all(FIELDS[kind])] == [
            (r.subject, r.fields) for r in exported.all(FIELDS[kind])
        ]

    def days(office: ProgramOffice) -> list[int]:
        return [gate.days_in_stage for gate in office.assess_gates(LOCAL_CALLER)]

    assert days(empty) == days(demo)
    head = imported.head
    assert _import(empty, file) == []
    assert empty.read_register(LOCAL_CALLER).head == head


@pytest.mark.slow
def test_one_bad_row_of_a_large_file_is_named_and_nothing_is_written(empty: ProgramOffice, tmp_path: Path) -> None:
    empty.load_demo(LOCAL_CALLER, door="demo")
    head = empty.read_register(LOCAL_CALLER).head
    rows = [f"2026-11-01,Line 3,on_track,{'x' * 500}" for _ in range(10_000)]
    rows[6_000] = "2026-11-01,Line 33,on_track,bad"
    file = tmp_path / "status_updates.csv"
    file.write_text("on,initiative,health,summary\n" + "\n".join(rows))
    assert file.stat().st_size > 5_000_000
    (problem,) = _import(empty, file)
    assert problem.startswith('status_updates, row 6002: There is no initiative "Line 33"')
    assert empty.read_register(LOCAL_CALLER).head == head


def test_a_formula_is_refused(empty: ProgramOffice, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "site"
    sheet.append(["name", "type"])
    sheet.append(['=HYPERLINK("http://evil")', "factory"])
    book.save(tmp_path / "sites.xlsx")
    assert _import(empty, tmp_path / "sites.xlsx") == [
        "site, row 2: name: a formula stands there; paste its value instead"
    ]


def test_no_exported_cell_is_a_formula(empty: ProgramOffice, tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("name,type\n@SUM(1),factory\n-2+3,factory\n")
    assert _import(empty, tmp_path / "sites.csv") == []
    text = tables.write_csv(empty.read_register(LOCAL_CALLER), RecordKind.SITE)
    assert "'@SUM(1)" in text
    assert "'-2+3" in text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sites.csv", b"\xff\xfe\x00", "not UTF-8"),
        ("sites.csv", b"name,colour\nx,red\n", 'no column "colour"'),
        ("sites.xlsx", b"no zip", "not a readable XLSX"),
        ("sites.doc", b"", "are not read"),
        ("things.csv", b"a\n", "no kind of record"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=said):
        tables.read_table(tmp_path / name)
