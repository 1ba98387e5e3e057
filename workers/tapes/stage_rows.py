"""Reads rows of a tape and writes them as COPY takes them: all that a row needs of Python.

No database is needed for it, so that several processes may do it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from config.readers.tape_mapping import Field, TapeMapping
from domain.decision import Snapshot
from domain.ids import id_of
from domain.ladder import Ladder
from domain.loans import Borrower, Instalment, LoanOnTape, Problem
from domain.persons import OF_LOAN
from domain.position import position_of
from domain.reasons import Reasons
from workers.db.bulk import as_json
from workers.db.copy import copy_line, copy_value
from workers.db.encryption import Cipher
from workers.db.numbers import address_index, kind_of
from workers.db.places import place_of_address, place_of_name, place_of_number
from workers.db.presumed_links import name_digest
from workers.db.problems import NO_LADDER
from workers.tapes.all_errors import all_errors
from workers.tapes.cells import Cells
from workers.tapes.csv_lines import Layout, TapeRow, open_tape
from workers.tapes.identities import Identity, customer_hash, identities
from workers.tapes.known_values import KnownValues
from workers.tapes.read_row import read_row
from workers.tapes.row_errors import BadCellError, RowError, TapeError
from workers.tapes.status_comparison import StatusTally

FIELDS = ("name", "phone", "address", "zones", "locale", "region")
"""What a tape says of a borrower. Each is compared with what the tape before it said."""

COMMON_FIELDS = frozenset({"zones", "locale", "region"})
"""Of those, what is the same for many."""

MORE_NUMBERS = ("phone_2", "phone_3")
"""Likewise, but only where the row has them: most have one number."""

IN_CELL_OF_ANOTHER = "+"
"""Before the digest of a number that has no column of its own."""

DIGEST_LENGTH = 32
"""Hexadecimal digits that are kept: 128 bits tell any two values apart."""


class SaidOfCustomer(NamedTuple):
    """What a row says of a customer, as hashes that are compared with the record."""

    record: str | None
    """The customer id."""
    name: bytes | None
    numbers: list[str] | None
    """How the tape says the first one, then each number as it is on record; None: it has no cell.
    """
    addresses: list[str] | None
    """Likewise."""
    digests: str | None
    """Of each field that it says, as JSON."""


UNREAD = SaidOfCustomer(None, None, None, None, None)


class LineToRead(NamedTuple):
    """A line of the file, and the digest that it had when the file was read first."""

    number: int
    starts_at: int
    length: int
    digest: str


@dataclass(slots=True)
class StagedRows:
    """Some rows of a tape that were read, written as COPY takes them."""

    first_line: int
    last_line: int
    tables: dict[str, bytes] = field(default_factory=dict)
    """Of the good rows, by table of `workers/tapes/staging.py`."""
    seen: bytes = b""
    """The line and the loan of each row that names one, also of bad rows; and whether it surely
    names it."""
    identities: bytes = b""
    errors: list[RowError] = field(default_factory=list)
    rows: int = 0
    taken: int = 0
    """Of `rows`, the good ones."""
    problems: Counter[str] = field(default_factory=Counter)
    """How many of `taken` have each kind of problem."""
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class RowStager:
    """Reads the rows of one tape, on one day."""

    layout: Layout
    mapping: TapeMapping
    as_of: date
    known: KnownValues
    cipher: Cipher
    now: datetime
    ladder_of: Callable[[LoanOnTape, date], Ladder | None]
    why_no_ladder: Callable[[LoanOnTape, date], Reasons]
    row_key: bytes
    """The key of the digests of rows."""
    identity_key: bytes
    """The key of the hashes of customer ids, names, numbers and addresses."""

    @cached_property
    def _ladders(self) -> dict[tuple[str, str, str], Ladder | None]:
        return {}

    def digest(self, raw: bytes) -> str:
        """The digest of a line: the same if its bytes and all that reading depends on are."""
        return blake2b(raw.rstrip(b"\r\n"), key=self.row_key, digest_size=16).hexdigest()

    def stage(
        self, lines: Sequence[LineToRead], without: frozenset[int] = frozenset()
    ) -> StagedRows:
        """Read these lines of the file, without those numbers.

        Raises:
            TapeError: the file cannot be read, or is another than it was.
        """
        staged = StagedRows(lines[0].number, lines[-1].number)
        writing = _Writing(self)
        tally = StatusTally(self.mapping.statuses, self.as_of) if self.mapping.statuses else None
        seen: list[str] = []
        identified: list[str] = []
        for line, raw in self._raw(lines):
            if line.number in without:
                continue
            staged.rows += 1
            try:
                row = self.layout.row(line.number, raw)
            except BadCellError as bad:
                staged.errors.append(bad.on_line(line.number))
                seen += (copy_line((line.number, id, False)) for id in self._may_name(line, raw))
                continue
            loan = read_row(row, self.mapping, self.as_of, self.known)
            is_good = isinstance(loan, LoanOnTape)
            found = list(identities(self.mapping, row, self.identity_key))
            said = writing.add(line, loan, found) if isinstance(loan, LoanOnTape) else {}
            identified += (
                copy_line((line.number, is_good, *identity, *said.get(identity.customer, UNREAD)))
                for identity in found
            )
            if loan_id := self._text(row, Field.EXTERNAL_ID):
                seen.append(copy_line((line.number, id_of(loan_id) or loan_id, True)))
            if isinstance(loan, RowError):
                cells = Cells(self.mapping, row.cells)
                names_loan = loan.column != self.mapping.columns.get(Field.EXTERNAL_ID)
                first = replace(loan, loan=id_of(loan_id) if names_loan else None)
                staged.errors += all_errors(first, cells, self.as_of, self.known)
                continue
            staged.taken += 1
            staged.problems.update({each.kind for each in loan.problems})
            staged.problems[NO_LADDER] += self.ladder(loan) is None
            if tally:
                tally.count(loan, self._text(row, Field.LENDER_STATUS))
        staged.tables = writing.tables()
        staged.seen = "".join(seen).encode()
        staged.identities = "".join(identified).encode()
        if tally:
            staged.statuses = tally.counts
        return staged

    def ladder(self, loan: LoanOnTape) -> Ladder | None:
        """The ladder of a loan. Loans are of a few kinds, and each kind is looked up once."""
        kind = (loan.jurisdiction, loan.product, loan.currency)
        if kind not in self._ladders:
            self._ladders[kind] = self.ladder_of(loan, self.now.date())
        return self._ladders[kind]

    def _raw(self, lines: Sequence[LineToRead]) -> Iterator[tuple[LineToRead, bytes]]:
        with open_tape(self.layout.path) as stream:
            for line in lines:
                if stream.tell() != line.starts_at:
                    stream.seek(line.starts_at)
                raw = stream.read(line.length)
                if self.digest(raw) != line.digest:
                    raise TapeError(
                        "{path} line {line} has changed while the file was read. Import it again "
                        "when nobody writes it.",
                        path=self.layout.path,
                        line=line.number,
                    )
                yield line, raw

    def _may_name(self, line: LineToRead, raw: bytes) -> Iterator[str]:
        """The loans that a line may be about that is no row: the tape does not leave them out."""
        if column := self.mapping.columns.get(Field.EXTERNAL_ID):
            yield from filter(
                None, (id_of(cell) for cell in self.layout.may_be_in(line.number, raw, column))
            )

    def _text(self, row: TapeRow, of: Field) -> str:
        return Cells(self.mapping, row.cells).text(of)


class _Writing:
    """The rows for each table, as COPY takes them. They have the columns of their table."""

    def __init__(self, stager: RowStager) -> None:
        self._stager = stager
        self._said_of_borrower = {
            of for of in (*FIELDS, *MORE_NUMBERS) if stager.mapping.says(Field(of))
        }
        self._digests: dict[tuple[str, object], str] = {}
        self._rows: dict[str, list[str]] = {
            name: []
            for name in (
                *("tape_loan", "tape_borrower", "tape_number", "tape_instalment"),
                *("tape_problem", "tape_party"),
            )
        }

    def tables(self) -> dict[str, bytes]:
        return {name: "".join(rows).encode() for name, rows in self._rows.items() if rows}

    def add(
        self, line: LineToRead, loan: LoanOnTape, found: Sequence[Identity]
    ) -> dict[str, SaidOfCustomer]:
        """Returns what the row says of each customer, by the hash of their id."""
        ladder = self._stager.ladder(loan)
        problems = loan.problems
        if ladder is None:
            why = self._stager.why_no_ladder(loan, self._stager.now.date())
            problems = (*problems, Problem(NO_LADDER, why))
            instalments = loan.instalments
        else:
            instalments = ladder.with_due_days(loan.instalments)
        rows = self._rows
        rows["tape_loan"].append(
            copy_line(
                (
                    *(line.number, loan.external_id, loan.borrower.external_id),
                    *(loan.jurisdiction, loan.product, loan.currency),
                    *(loan.original_principal, loan.disbursed_on),
                    *(loan.annual_rate_percent, loan.restructured_on, loan.steps_tried),
                    *(line.digest, [identity.customer for identity in found]),
                    [identity.person for identity in found],
                    *self._position(ladder, instalments),
                )
            )
        )
        rows["tape_instalment"].append(write_instalments(loan.external_id, instalments))
        for problem in problems:
            detail = as_json(problem.detail)
            rows["tape_problem"].append(copy_line((loan.external_id, problem.kind, detail)))
        said = self._add_borrower(line, 0, loan.borrower, self._said_of_borrower)
        for slot, party in enumerate(loan.parties or (), start=1):
            rows["tape_party"].append(
                copy_line((loan.external_id, party.record.external_id, party.role, party.slot))
            )
            said.update(self._add_borrower(line, slot, party.record, party.said))
        return said

    def _position(
        self, ladder: Ladder | None, instalments: Sequence[Instalment]
    ) -> tuple[date | None, date | None, date | None, str]:
        """Where a loan stands of which nothing else is known."""
        unpaid = Snapshot(0, tuple(i for i in instalments if i.unpaid))
        stands = position_of(unpaid, ladder, self._stager.now)
        arrears = stands.arrears
        since = arrears.delinquent_since
        return since, stands.ladder_since, stands.review_on, str(arrears.amount)

    def _add_borrower(
        self,
        line: LineToRead,
        slot: int,
        borrower: Borrower,
        said: Set[str],
    ) -> dict[str, SaidOfCustomer]:
        """`said` are the fields for which the row has a cell. It says nothing about the others.

        Returns what is said of the customer, by the hash of their id; nothing if they have none.
        """
        cipher = self._stager.cipher
        digests = {
            name: self._common_digest(name, getattr(borrower, name))
            if name in COMMON_FIELDS
            else _digest(cipher, name, getattr(borrower, name))
            for name in FIELDS
            if name in said
        }
        for name in MORE_NUMBERS:
            if (number := getattr(borrower, name)) is not None:
                mark = "" if name in said else IN_CELL_OF_ANOTHER
                digests[name] = mark + _digest(cipher, name, number)
        has_own_id = not borrower.external_id.startswith(OF_LOAN)
        key = self._stager.identity_key
        customer = customer_hash(borrower.external_id, key) if has_own_id else None
        named = name_digest(cipher, borrower.name)
        address = address_index(cipher, borrower.address) if borrower.address else None
        numbers = [(of, number, cipher.blind_index(number)) for of, number in borrower.numbers]
        self._rows["tape_borrower"].append(
            copy_line(
                (
                    *(line.number, slot, borrower.external_id),
                    customer,
                    cipher.encrypt(borrower.name, place_of_name(borrower.external_id)),
                    named,
                    cipher.encrypt(borrower.address, place_of_address(borrower.external_id))
                    if borrower.address
                    else None,
                    address,
                    as_json(digests),
                    *(borrower.zones, borrower.locale, borrower.region),
                    [name for name in (*FIELDS, *MORE_NUMBERS) if name not in said],
                )
            )
        )
        for of, number, blind_index in numbers:
            self._rows["tape_number"].append(
                copy_line(
                    (
                        *(line.number, slot, borrower.external_id, of),
                        cipher.encrypt(number, place_of_number(borrower.external_id, blind_index)),
                        *(blind_index, kind_of(number)),
                    )
                )
            )
        if customer is None:
            return {}
        customers_details = SaidOfCustomer(
            record=borrower.external_id,
            name=named,
            numbers=[digests["phone"], *(index.hex() for _, _, index in numbers)]
            if "phone" in said
            else None,
            addresses=[digests["address"], *([address.hex()] if address else [])]
            if "address" in said
            else None,
            digests=as_json(digests),
        )
        return {customer: customers_details}

    def _common_digest(self, name: str, value: object) -> str:
        """The digest of what many rows say alike."""
        if (found := self._digests.get((name, value))) is None:
            found = self._digests[name, value] = _digest(self._stager.cipher, name, value)
        return found


def write_instalments(loan: str, instalments: Sequence[Instalment]) -> str:
    """The rows of `tape_instalment` of one loan, as COPY takes them."""
    loan = copy_value(loan)
    return "".join(
        [
            f"{loan}\t{i.due_on!s}\t{i.principal!s}\t{i.interest!s}\t{i.fees!s}"
            f"\t{i.paid_principal!s}\t{i.paid_interest!s}\t{i.paid_fees!s}"
            f"\t{i.counts_from or NULL!s}\n"
            for i in instalments
        ]
    )


NULL = r"\N"


def _digest(cipher: Cipher, name: str, value: object) -> str:
    return cipher.blind_index(f"{name} on a tape\n{value!r}").hex()[:DIGEST_LENGTH]
