"""Small tapes and mappings for the tests of the reader."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from config.readers.tape_mapping import Field, TapeMapping
from config.readers.tape_mapping_reader import read_mapping
from domain.loans import LoanOnTape
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import read_header, read_layout, read_lines
from workers.tapes.known_values import KnownValues
from workers.tapes.read_row import mapping_of_tape, read_row
from workers.tapes.row_errors import BadCellError, RowError
from workers.tapes.status_comparison import StatusComparison, StatusTally

AS_OF = date(2026, 3, 10)

SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "lending_club_sample.csv"
SAMPLE_AS_OF = date(2018, 6, 25)

MAPPING = """\
mapping: plain
columns:
  external_id: loan
  name: name
  phone: phone
  address: address
  zones: zone
  currency: currency
  principal: principal
  interest: interest
  due_on: due
  paid_total: paid
  steps_tried: tried
constants:
  jurisdiction: US
  product: consumer_loan
  locale: en
phone_region: US
schedule: {kind: lump_sum}
paid: {by: total, tolerance: 0}
"""

HEADER = "loan,name,phone,address,zone,currency,principal,interest,due,paid,tried"
GOOD = (
    "L-1,Alex Example,+12125550101,1 Example Street,America/New_York,USD,"
    "1000.00,50.00,2026-03-01,0,"
)


def mapping_from(folder: Path, text: str = MAPPING) -> TapeMapping:
    """The mapping that this text makes."""
    path = folder / "plain.yaml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def tape_of(folder: Path, *rows: str | bytes, header: str = HEADER) -> Path:
    """A tape of these rows below the header."""
    path = folder / "tape.csv"
    lines = [row if isinstance(row, bytes) else row.encode() for row in (header, *rows)]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def read_tape(
    path: Path,
    mapping: TapeMapping,
    as_of: date,
    *,
    known: KnownValues | None = None,
    statuses: StatusTally | None = None,
) -> Iterator[LoanOnTape | RowError]:
    """Every loan of a tape, or the first error of its row, without comparing the rows."""
    mapping = mapping_of_tape(mapping, path, read_header(path, mapping.formats))
    layout = read_layout(path, mapping.names_read(), mapping.formats)
    for line in read_lines(layout):
        try:
            row = layout.row(line.number, line.raw)
        except BadCellError as bad:
            yield bad.on_line(line.number)
            continue
        found = read_row(row, mapping, as_of, known)
        if statuses and isinstance(found, LoanOnTape):
            statuses.count(found, Cells(mapping, row.cells).text(Field.LENDER_STATUS))
        yield found


def read(folder: Path, *rows: str | bytes) -> list[LoanOnTape | RowError]:
    """What the reader makes of these rows under the plain mapping."""
    return list(read_tape(tape_of(folder, *rows), mapping_from(folder), AS_OF))


def compare_statuses(path: Path, mapping: TapeMapping, as_of: date) -> StatusComparison:
    """The statuses of a whole tape; rows that are wrong are left out."""
    assert mapping.statuses is not None
    tally = StatusTally(mapping.statuses, as_of)
    list(read_tape(path, mapping, as_of, statuses=tally))
    return tally.result()


def only_loan(folder: Path, row: str) -> LoanOnTape:
    """The loan of a tape of one good row."""
    (loan,) = read(folder, row)
    assert isinstance(loan, LoanOnTape), loan
    return loan


def only_error(folder: Path, row: str | bytes) -> RowError:
    """The error of a tape of one bad row."""
    (error,) = read(folder, row)
    assert isinstance(error, RowError), error
    return error


def with_cell(column: str, value: str) -> str:
    """The good row with one cell changed."""
    cells = GOOD.split(",")
    cells[HEADER.split(",").index(column)] = value
    return ",".join(cells)
