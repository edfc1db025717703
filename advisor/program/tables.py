"""The register as CSV and XLSX: a sheet (or a file) a kind of record, a row a record."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import ValidationError

from advisor.domain.base import Value
from advisor.domain.identity import Caller
from advisor.domain.records import FIELDS, RecordKind
from advisor.domain.register import AnyRecord, RecordChange, Register
from advisor.errors import InvalidInputError
from advisor.program.checklists import neutralise
from advisor.program.office import ProgramOffice

DOOR = "import"
MOST_BYTES = 50_000_000
MOST_UNPACKED = 500_000_000
_ORDER = (RecordKind.SITE, RecordKind.INITIATIVE, RecordKind.KPI_CARD, RecordKind.GATE_REVIEW)
_KEEP = ("id", "on", "version", "recorded_by")
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})


class Row(NamedTuple):
    """One row to import: where it stands, and the change that it amounts to."""

    place: str
    change: RecordChange


class RowProblem(Value):
    """Why a row cannot be imported."""

    place: str
    problem: str


class ImportReport(Value):
    """What became of a file: how many rows it has, how many the register knew, how many were recorded, each bad row."""

    rows: int
    known: int
    recorded: int
    problems: tuple[RowProblem, ...]


class Import(NamedTuple):
    """What a file holds. `key` is the same for the same content, so that a file counts once."""

    rows: list[Row]
    problems: list[RowProblem]
    key: str


def read_table(file: Path, kind: str = "") -> Import:
    """Read a CSV or XLSX file; raise InvalidInputError when it cannot be read as a table at all."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InvalidInputError(
            f"{file.name} cannot be read ({error.strerror}).", "Give the path of a CSV or XLSX file."
        ) from None
    return parse_table(file.name, raw, kind)


def parse_table(name: str, raw: bytes, kind: str = "") -> Import:
    """Read the bytes of a CSV or XLSX file; raise InvalidInputError when they are no table at all.

    The kind of record is the name of the file (`initiatives.csv`) or sheet, unless `kind` names it.
    """
    file = Path(name)
    if len(raw) > MOST_BYTES:
        raise InvalidInputError(
            f"{file.name} has {len(raw) / 1e6:.0f} MB; at most {MOST_BYTES // 1_000_000} can be read.", "Split it."
        )
    suffix = file.suffix.lower()
    if suffix == ".xlsx":
        sheets = _read_xlsx(file, raw)
    elif suffix == ".csv":
        sheets = {file.stem: _read_csv(file, raw)}
    else:
        raise InvalidInputError(f'"{file.suffix}" files are not read.', "Save the table as .csv or .xlsx.")
    rows: list[Row] = []
    problems: list[RowProblem] = []
    for sheet, lines in sheets.items():
        _read_sheet(file.name, sheet, find_kind(kind or sheet, file.name), lines, rows, problems)
    rows.sort(key=lambda row: _ORDER.index(row.change.kind) if row.change.kind in _ORDER else len(_ORDER))
    return Import(rows, problems, f"import/{hashlib.sha256(raw).hexdigest()[:32]}")


def find_kind(name: str, file: str) -> RecordKind:
    """Return the kind of record that a sheet or file is named after; raise InvalidInputError."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    plurals = {f"{kind.value}s": kind for kind in RecordKind} | {
        f"{kind.value.removesuffix('y')}ies": kind for kind in RecordKind if kind.value.endswith("y")
    }
    if plain in plurals:
        return plurals[plain]
    try:
        return RecordKind(plain)
    except ValueError:
        raise InvalidInputError(
            f'{file}: "{name[:40]}" is no kind of record.',
            f"Use one of: {', '.join(kind.value for kind in RecordKind)}.",
        ) from None


def _read_csv(file: Path, raw: bytes) -> list[list[Any]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{file.name} is not UTF-8 text.", "Save it as CSV UTF-8.") from None
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)]
    except csv.Error as error:
        raise InvalidInputError(
            f"{file.name} is not a CSV file ({error}).", "Check its quotes and separators."
        ) from None


def _read_xlsx(file: Path, raw: bytes) -> dict[str, list[list[Any]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > MOST_UNPACKED:
            raise InvalidInputError(f"{file.name} unpacks to more than {MOST_UNPACKED // 1_000_000} MB.", "Split it.")
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=False)
        return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, EOFError) as error:
        raise InvalidInputError(f"{file.name} is not a readable XLSX file.", "Save it again as .xlsx.") from error


def import_table(office: ProgramOffice, caller: Caller, found: Import, *, dry_run: bool = False) -> ImportReport:
    """Record every row, or, on a dry run or when one is bad, none. Rows that the register knows are passed over."""
    register = office.read_register(caller)
    fresh = [row for row in found.rows if not _is_known(row.change, register)]
    changes = [row.change for row in fresh]
    refused = office.check(caller, changes, door=DOOR)
    problems = (
        *found.problems,
        *(RowProblem(place=fresh[place].place, problem=str(error)) for place, error in refused),
    )
    recorded = 0
    if changes and not (problems or dry_run):
        recorded = len(office.record(caller, changes, key=f"{found.key}/{register.head}", door=DOOR))
    return ImportReport(
        rows=len(found.rows) + len(found.problems),
        known=len(found.rows) - len(fresh),
        recorded=recorded,
        problems=problems,
    )


def _holds_from(record: AnyRecord) -> date:
    """Return the day for which a record is exported; an initiative keeps the day on which it entered its stage."""
    return record.stages[-1][1] if record.stages else record.as_of


def _is_known(change: RecordChange, register: Register) -> bool:
    """Whether a row says what the register says already, as in an export that nobody changed."""
    record = register.find(change.kind, change.subject) if change.subject else None
    if record is None or change.on not in {None, record.as_of, _holds_from(record)}:
        return False
    try:
        after = FIELDS[change.kind].model_validate({**record.fields.model_dump(mode="json"), **change.fields})
    except ValidationError:
        return False
    return bool(after == record.fields)


def _read_sheet(
    file: str,
    sheet: str,
    kind: RecordKind,
    lines: Sequence[Sequence[Any]],
    rows: list[Row],
    problems: list[RowProblem],
) -> None:
    if not lines:
        return
    names = [str(name or "").strip() for name in lines[0]]
    known = {*FIELDS[kind].model_fields, *_KEEP}
    if unknown := [name for name in names if name and name not in known]:
        raise InvalidInputError(
            f'{file}, sheet "{sheet}": there is no column "{unknown[0][:60]}".',
            f"A {kind.words} has: id, on, {', '.join(FIELDS[kind].model_fields)}.",
        )
    for number, line in enumerate(lines[1:], 2):
        if all(cell is None or str(cell).strip() == "" for cell in line):
            continue
        place = f"{sheet}, row {number}"
        try:
            rows.append(Row(place, _parse_row(kind, dict(zip(names, line, strict=False)))))
        except ValueError as error:
            problems.append(RowProblem(place=place, problem=str(error)))


def _parse_row(kind: RecordKind, cells: Mapping[str, Any]) -> RecordChange:
    fields: dict[str, Any] = {}
    for name, cell in cells.items():
        if not name or cell is None or str(cell).strip() == "" or name in {"version", "recorded_by"}:
            continue
        fields[name] = _parse_cell(kind, name, cell)
    subject = str(fields.pop("id", ""))
    on = fields.pop("on", None)
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        raise ValueError(f'on: "{str(on)[:40]}" is no date like 2026-11-20') from None
    return RecordChange(kind=kind, subject=subject, fields=fields, on=day, create=bool(subject))


def _parse_cell(kind: RecordKind, name: str, cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell).strip()
    if text.startswith("="):
        raise ValueError(f"{name}: a formula stands there; paste its value instead")
    if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"}:
        text = text[1:]
    info = FIELDS[kind].model_fields.get(name)
    kinds = str(info.annotation) if info else ""
    if info and info.annotation is bool:
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise ValueError(f'{name}: "{text[:40]}" is neither yes nor no')
    if kinds.startswith("tuple"):
        return [part.strip() for part in text.split(";") if part.strip()]
    if "int" in kinds and text.endswith(".0"):
        return text.removesuffix(".0")
    return text


def list_rows(register: Register, kind: RecordKind) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of all records of a kind."""
    model = FIELDS[kind]
    header = ["id", "on", *model.model_fields, "version", "recorded_by"]
    return header, [_list_cells(record) for record in register.all(model)]


def _list_cells(record: AnyRecord) -> list[str]:
    said = record.fields.model_dump(mode="json")
    cells = [_word_cell(value) for value in said.values()]
    return [record.subject, _holds_from(record).isoformat(), *cells, str(record.version), record.recorded_by]


def _word_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def write_csv(register: Register, kind: RecordKind) -> str:
    """Return the records of a kind as CSV, with no cell that a spreadsheet would run as a formula."""
    header, rows = list_rows(register, kind)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return out.getvalue()


def write_xlsx(register: Register, kinds: Iterable[RecordKind] = tuple(RecordKind)) -> bytes:
    """Return all records as a workbook with one sheet a kind; every cell is text."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        for kind in kinds:
            header, rows = list_rows(register, kind)
            sheet = book.add_worksheet(kind.value)
            sheet.freeze_panes(1, 1)
            for column, name in enumerate(header):
                sheet.write_string(0, column, name, bold)
            for number, row in enumerate(rows, 1):
                for column, cell in enumerate(row):
                    sheet.write_string(number, column, neutralise(cell))
            sheet.autofit()
    return out.getvalue()
