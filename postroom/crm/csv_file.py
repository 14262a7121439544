"""CSV as people have it, read and written: any common encoding and separator, safe for spreadsheets."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postroom.errors import PostroomError

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 200
SEPARATORS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a spreadsheet takes a cell for something to compute (OWASP, "CSV Injection")."""
_SIGNS = "=+\\-@\t＝＋－＠"
_WITHIN = re.compile(rf'([;\r\n]"*+)(?=[{_SIGNS}])')
"""Where a spreadsheet that parts cells by semicolons, as in German or French, begins one inside of ours."""
_WITHIN_SAFE = re.compile(rf"""([;\r\n]"*+)'(?=[{_SIGNS}])""")
_LINES_A_ROW = 200
"""A row of more lines comes of a quotation mark that nobody closed."""

csv.field_size_limit(MAX_BYTES)


class FileRefused(PostroomError):
    """This file cannot be read as CSV."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header."""

    line: int
    """Where it begins in the file; the header is in line 1."""
    cells: list[str]
    fault: str = ""
    """Why it cannot be used, as a sentence."""


def decode(content: bytes) -> str:
    """The file as text: UTF-8, UTF-16 with its mark, or else Windows-1252. Raises ``FileRefused``."""
    if not content.strip():
        raise FileRefused("The file is empty.")
    if len(content) > MAX_BYTES:
        raise FileRefused(
            f"The file has {len(content) / 1048576:.0f} MB; at most {MAX_BYTES // 1048576} MB can be imported"
            " at once. Split it and import the parts."
        )
    if content.startswith(b"PK\x03\x04"):
        raise FileRefused("This is an Excel workbook. Save it as CSV first (File, Save as, CSV UTF-8).")
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf_16 else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise FileRefused("This is not a text file. Export the leads as CSV (UTF-8) and choose that file.")


def separator_of(text: str) -> str:
    """The separator that the header has most of."""
    header = next(iter(text.splitlines()), "")
    return max(SEPARATORS, key=lambda separator: (header.count(separator), separator == ","))


def header_of(text: str, separator: str) -> list[str]:
    """The names of the columns. Raises ``FileRefused``."""
    try:
        names = next(_reader(text, separator), [])
    except csv.Error as error:
        raise FileRefused(f"The first line cannot be read: {error}.") from error
    if not any(name.strip() for name in names):
        raise FileRefused("The first line of the file must name the columns, such as Email or First name.")
    if len(names) > MAX_COLUMNS:
        raise FileRefused(f"The file has {len(names)} columns; at most {MAX_COLUMNS} can be read.")
    return [name.strip() for name in names]


def rows_of(text: str, separator: str) -> Iterator[Row]:
    """The rows below the header; empty ones do not count."""
    reader = _reader(text, separator)
    width = len(next(reader, []))
    begins = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield Row(begins, cells, _fault(cells, width, reader.line_num - begins + 1))
        begins = reader.line_num + 1


def _reader(text: str, separator: str):
    # Lines keep their ends, so that a cell may hold line breaks.
    return csv.reader(text.splitlines(keepends=True), delimiter=separator)


def _fault(cells: list[str], width: int, lines: int) -> str:
    if lines > _LINES_A_ROW:
        return f"A quotation mark opens here and is not closed, so {lines} lines were read as one row."
    if len(cells) != width:
        return f"The row has {len(cells)} cells, but the header names {width} columns."
    return ""


def safe_cell(value: object) -> str:
    """The value as text that no spreadsheet computes: what looks like a formula gets an apostrophe."""
    text = "" if value is None else _WITHIN.sub(r"\1'", str(value).replace("\x00", ""))
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain_cell(text: str) -> str:
    """The inverse of ``safe_cell``, so that an exported file can be imported again."""
    text = _WITHIN_SAFE.sub(r"\1", text.replace("\x00", "").strip())
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


class _Echo:
    def write(self, line: str) -> str:
        return line


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The file line by line, to be streamed; begins with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe_cell(name) for name in header])
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])
