"""What a mapping says of a lender's loan tape. `tape_mapping_reader.py` reads one from its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from config.readers.lender_statuses import LenderStatuses
from config.readers.regions import Region


class Field(StrEnum):
    """What a column, or a constant, may say of a loan."""

    EXTERNAL_ID = "external_id"
    BORROWER_ID = "borrower_id"
    NAME = "name"
    PHONE = "phone"
    ADDRESS = "address"
    LOCALE = "locale"
    REGION = "region"
    ZONES = "zones"
    JURISDICTION = "jurisdiction"
    PRODUCT = "product"
    CURRENCY = "currency"
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
    STEPS_TRIED = "steps_tried"
    LENDER_STATUS = "lender_status"


class ScheduleKind(StrEnum):
    """How the instalments follow from the columns."""

    LEVEL_PAYMENT = "level_payment"
    """Monthly, from amount, yearly rate, term, instalment and the month of issue; the first one
    falls due in the month after."""
    LUMP_SUM = "lump_sum"
    """One instalment, from principal, interest and a due date."""
    EXPLICIT = "explicit"
    """One cell lists them: `2026-01-31 500.00 12.50; …`: date, principal, interest, fees."""


class PaidBy(StrEnum):
    """Which figure says how many instalments are paid."""

    TOTAL = "total"
    PRINCIPAL = "principal"


@dataclass(frozen=True, slots=True)
class TapeMapping:
    """How to read one lender's loan tape."""

    id: str
    columns: Mapping[Field, str]
    """The column of the tape that says it."""
    constants: Mapping[Field, str]
    """What holds for every loan of the tape."""
    schedule: ScheduleKind
    paid_by: PaidBy
    tolerance: Decimal
    """The part of an instalment that may be missing from one that counts as paid, 0 to 0.5."""
    phone_region: str
    """The country, as ISO 3166-1 alpha-2, of numbers written without their country code."""
    date_format: str = "%Y-%m-%d"
    month_format: str = "%Y-%m"
    thousands_mark: str = ""
    seen_on: date | None = None
    """The day at whose end the tape was written. Given when the due day is to be drawn."""
    made_contacts: bool = False
    """Names, numbers and addresses are made up, plainly and from ranges reserved for fiction."""
    regions: Mapping[str, Region] = field(default_factory=dict)
    statuses: LenderStatuses | None = None
    """What the lender's own status means, when the tape has one."""
