"""The mapping of a lender's loan tape. `tape_mapping_reader.py` reads it from its file."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from config.readers.lender_statuses import LenderStatuses
from config.readers.regions import Region
from config.readers.tape_formats import OWN_FORMATS, TapeFormats
from domain.compliance.vocabulary import Party


class Field(StrEnum):
    """The values of a loan that a column, or a constant, may give."""

    EXTERNAL_ID = "external_id"
    BORROWER_ID = "borrower_id"
    NAME = "name"
    PHONE = "phone"
    PHONE_2 = "phone_2"
    PHONE_3 = "phone_3"
    ADDRESS = "address"
    LOCALE = "locale"
    REGION = "region"
    ZONES = "zones"
    JURISDICTION = "jurisdiction"
    PRODUCT = "product"
    CURRENCY = "currency"
    ORIGINAL_PRINCIPAL = "original_principal"
    DISBURSED_ON = "disbursed_on"
    RESTRUCTURED_ON = "restructured_on"
    PRINCIPAL = "principal"
    INTEREST = "interest"
    ANNUAL_RATE_PERCENT = "annual_rate_percent"
    TERM_MONTHS = "term_months"
    INSTALMENT = "instalment"
    ISSUE_MONTH = "issue_month"
    DUE_DAY = "due_day"
    DUE_ON = "due_on"
    INSTALMENTS = "instalments"
    PAID_TOTAL = "paid_total"
    PAID_PRINCIPAL = "paid_principal"
    PAID_INTEREST = "paid_interest"
    PAID_FEES = "paid_fees"
    STEPS_TRIED = "steps_tried"
    LENDER_STATUS = "lender_status"
    CO_BORROWER_1_ID = "co_borrower_1_id"
    CO_BORROWER_1_NAME = "co_borrower_1_name"
    CO_BORROWER_1_PHONE = "co_borrower_1_phone"
    CO_BORROWER_1_ADDRESS = "co_borrower_1_address"
    CO_BORROWER_1_ZONES = "co_borrower_1_zones"
    CO_BORROWER_2_ID = "co_borrower_2_id"
    CO_BORROWER_2_NAME = "co_borrower_2_name"
    CO_BORROWER_2_PHONE = "co_borrower_2_phone"
    CO_BORROWER_2_ADDRESS = "co_borrower_2_address"
    CO_BORROWER_2_ZONES = "co_borrower_2_zones"
    GUARANTOR_1_ID = "guarantor_1_id"
    GUARANTOR_1_NAME = "guarantor_1_name"
    GUARANTOR_1_PHONE = "guarantor_1_phone"
    GUARANTOR_1_ADDRESS = "guarantor_1_address"
    GUARANTOR_1_ZONES = "guarantor_1_zones"
    GUARANTOR_2_ID = "guarantor_2_id"
    GUARANTOR_2_NAME = "guarantor_2_name"
    GUARANTOR_2_PHONE = "guarantor_2_phone"
    GUARANTOR_2_ADDRESS = "guarantor_2_address"
    GUARANTOR_2_ZONES = "guarantor_2_zones"


PARTY_SLOTS: Mapping[str, Party] = {
    "co_borrower_1": Party.CO_BORROWER,
    "co_borrower_2": Party.CO_BORROWER,
    "guarantor_1": Party.GUARANTOR,
    "guarantor_2": Party.GUARANTOR,
}
"""The places that a tape may have for other parties of a loan, and what they are to it."""

_OF_PARTY = {
    Field.BORROWER_ID: "id",
    Field.NAME: "name",
    Field.PHONE: "phone",
    Field.ADDRESS: "address",
    Field.ZONES: "zones",
}
_OF_BORROWER_ALONE = {*_OF_PARTY, Field.PHONE_2, Field.PHONE_3} - {Field.ZONES}


JOINED_OF_BORROWER = (Field.NAME, Field.ADDRESS)
MAY_BE_JOINED = frozenset(
    of for of in Field if of in JOINED_OF_BORROWER or of.endswith(("_name", "_address"))
)
"""What several columns may say together: first name and surname, street and town."""

PHONES = (Field.PHONE, Field.PHONE_2, Field.PHONE_3)
"""The telephone numbers of a borrower, in the order in which they are tried."""


class ScheduleKind(StrEnum):
    """How the instalments are calculated from the columns."""

    LEVEL_PAYMENT = "level_payment"
    """Monthly, from amount, yearly rate, term, instalment and month of issue. The first one falls
    due in the month after the issue."""
    LUMP_SUM = "lump_sum"
    """One instalment, from principal, interest and a due date."""
    EXPLICIT = "explicit"
    """One cell lists them: `2026-01-31 500.00 12.50; …`: date, principal, interest, fees. What is
    paid of each may follow: `2026-01-31 500.00 12.50 paid 400.00 12.50; …`."""


class PaidBy(StrEnum):
    """What says how much of each instalment is paid."""

    TOTAL = "total"
    """One total. It pays the oldest instalments."""
    PRINCIPAL = "principal"
    """The totals of principal and interest; the principal counts the instalments that are paid."""
    COMPONENT = "component"
    """A total of each component. Each pays that component of the oldest instalments."""
    INSTALMENT = "instalment"
    """The list of instalments. It may say so with the others too; then it counts, and they must
    agree with it."""


class Absent(StrEnum):
    """What it means that a tape leaves out a loan that the full tape before it had."""

    KEEP = "keep"
    """It is counted and listed, and contact goes on."""
    HOLD = "hold"
    """Contact about it stops until a tape shows it again."""
    PART = "part"
    """Nothing: each tape is a part of the book."""


@dataclass(frozen=True, slots=True)
class TapeMapping:
    """How to read one lender's loan tape."""

    id: str
    columns: Mapping[Field, str]
    """The name of the column for each value, as errors say it. Of a value that is joined, those of
    its columns with + between."""
    constants: Mapping[Field, str]
    """Values that are the same for every loan of the tape."""
    constants_from: Mapping[Field, str]
    """The file and the line of each constant, for an error that is in it and not in the tape."""
    schedule: ScheduleKind
    paid_by: PaidBy
    tolerance: Decimal
    """The fraction of an instalment that may be missing although it counts as paid, 0 to 0.5."""
    phone_region: str
    """The country, as ISO 3166-1 alpha-2, of numbers written without their country code."""
    formats: TapeFormats = OWN_FORMATS
    seen_on: date | None = None
    """The day at whose end the tape was written. Set if the due day is to be drawn by a hash."""
    made_contacts: bool = False
    """Whether names, numbers and addresses are fictitious, from ranges reserved for fiction."""
    regions: Mapping[str, Region] = field(default_factory=dict)
    statuses: LenderStatuses | None = None
    """What the lender's own statuses mean, if the tape has them."""
    absent: Absent = Absent.KEEP
    absent_at_most: Decimal = Decimal("0.1")
    """The share of the loans that a tape may leave out without being asked about, 0 to 1."""
    optional: frozenset[Field] = frozenset()
    """The columns that a tape may lack. A missing one counts as if it were not mapped."""
    joined: Mapping[Field, tuple[str, ...]] = field(default_factory=dict)
    """The columns of each value that is put together from several, in order."""
    of_parties: Mapping[str, "TapeMapping"] = field(init=False, repr=False, compare=False)
    """By slot, how to read another party of a loan as if it were the borrower. Without a column of
    their own for the zones, those of the borrower count."""

    def __post_init__(self) -> None:
        found = {slot: self._of_party(slot) for slot in PARTY_SLOTS}
        given = {slot: of for slot, of in found.items() if Field.NAME in of}
        parties = {
            slot: replace(self, columns=of, joined=self._joined_of_party(slot))
            for slot, of in given.items()
        }
        object.__setattr__(self, "of_parties", parties)

    def of_tape(self, header: Collection[str]) -> "TapeMapping":
        """The mapping of a tape with this header: without the optional columns that it lacks."""
        missing = {of for of in self.optional if not set(self.names_of(of)) & set(header)}
        kept = {of: column for of, column in self.columns.items() if of not in missing}
        joined = {of: names for of, names in self.joined.items() if of not in missing}
        if not missing:
            return self
        return replace(self, columns=kept, joined=joined, optional=self.optional - missing)

    def names_of(self, of: Field) -> tuple[str, ...]:
        """The names in the header of the column, or of the columns, of a value."""
        return self.joined.get(of) or (self.columns[of],)

    def names_read(self) -> tuple[str, ...]:
        """The names in the header of all columns that are read."""
        return tuple(name for of in self.columns for name in self.names_of(of))

    def says(self, of: Field) -> bool:
        """Whether a row says anything about this field, if only that there is nothing. A tape
        changes nothing of what it does not speak of."""
        if of in self.columns or of in self.constants:
            return True
        if of is Field.ZONES:
            return bool(self.regions)
        if of is Field.ORIGINAL_PRINCIPAL:
            return self.schedule is not ScheduleKind.EXPLICIT
        return self.made_contacts and of in (Field.NAME, Field.PHONE, Field.ADDRESS)

    def nameless_party(self) -> Field | None:
        """A column of another party whose name has no column; None if there is none."""
        for slot in PARTY_SLOTS:
            theirs = [of for of in self.columns if of.startswith(slot)]
            if theirs and f"{slot}_name" not in theirs:
                return theirs[0]
        return None

    def _joined_of_party(self, slot: str) -> dict[Field, tuple[str, ...]]:
        given = {of: self.joined.get(Field(f"{slot}_{_OF_PARTY[of]}")) for of in JOINED_OF_BORROWER}
        return {of: names for of, names in given.items() if names}

    def _of_party(self, slot: str) -> dict[Field, str]:
        if any(of.startswith(tuple(PARTY_SLOTS)) for of in self.columns):
            theirs = {
                of: self.columns[Field(f"{slot}_{name}")]
                for of, name in _OF_PARTY.items()
                if Field(f"{slot}_{name}") in self.columns
            }
            shared = {
                of: column
                for of, column in self.columns.items()
                if of not in _OF_BORROWER_ALONE and not of.startswith(tuple(PARTY_SLOTS))
            }
            return shared | theirs
        return {}
