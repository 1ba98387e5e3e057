"""The letter that a default is announced with: until its days are over the arrangement goes on."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, exists, insert, select, update

from config.readers.locales import format_date, format_money
from domain.arrangements import (
    NOTICE_WITHIN_DAYS,
    ArrangementTerms,
    Standing,
    default_counts_from,
)
from domain.compliance.default_notice import default_notice_days
from domain.compliance.rules import packs_for
from domain.letter_references import known_as
from domain.loans import ZERO, Instalment
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.arrangements import Arrangement, kind_of
from workers.db.duties import OwedNotice, end_owed_notice, owe_notice, owed_notice
from workers.db.places import place_of_address, place_of_default_notice, place_of_name
from workers.db.problems import (
    DEFAULT_NOTICE_NOT_PRINTED,
    DEFAULT_NOTICE_WITHOUT_ADDRESS,
    note_problem,
    resolve_problems,
)
from workers.db.schema import arrangement, borrower, borrower_number, document, loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.hardship.arrangement_standing import days_stood_still

DEFAULT_NOTICE = "default_notice"
"""The kind of document that announces a default."""
TEMPLATE = "arrangement_default_letter"
FALLBACK = "en"
"""The language of the letter where there are no templates in the person's."""
TOMORROW = timedelta(days=1)
_PROBLEMS = (DEFAULT_NOTICE_NOT_PRINTED, DEFAULT_NOTICE_WITHOUT_ADDRESS)


class _Addressee(NamedTuple):
    """The loan, and to whom the letter goes."""

    external_id: str
    jurisdiction: str
    product: str
    currency: str
    record: str
    locale: str
    name_encrypted: bytes | None
    address_encrypted: bytes | None


def wait_for_notice(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    standing: Standing,
    instalments: list[Instalment],
    now: datetime,
) -> date | None:
    """The day on which an arrangement in default is looked at again, because its notice comes
    first; None: the default counts now.

    The first time the letter is written. Its days begin when it is printed. Until then it is a
    problem that people see, and it is looked at again each day. Where no letter can be written, a
    supervisor gives the notice by a deadline, and the days begin when they say that it is given.
    The loan is locked. `now` is in the lender's zone.
    """
    to = _addressee(connection, stored)
    days = stored.notice_days or _days(ctx, stored, to, now.date())
    if not days:
        return None
    owed = _owed(connection, stored)
    given_at = owed.given_at if owed else None
    if (stored.noticed_at is None or owed) and given_at is None:
        if to.address_encrypted is not None and to.name_encrypted is not None:
            _write(connection, ctx, stored, standing, to, instalments, days, now)
            end_owed_notice(connection, stored.loan_id, stored.id, now)
            resolve_problems(connection, [stored.loan_id], (DEFAULT_NOTICE_WITHOUT_ADDRESS,), now)
        elif owed is None:
            why = because(ReasonCode.DEFAULT_NOTICE_WITHOUT_ADDRESS, arrangement=stored.external_id)
            note_problem(connection, stored.loan_id, DEFAULT_NOTICE_WITHOUT_ADDRESS, why, now)
            owe_notice(connection, stored.loan_id, stored.id, now, _within(ctx, stored))
            _note_noticed(connection, stored, days, now)
        return now.date() + TOMORROW
    if given_at is not None:
        resolve_problems(connection, [stored.loan_id], (DEFAULT_NOTICE_WITHOUT_ADDRESS,), now)
        return _counts_later(connection, stored, given_at, days, now)
    printed_at = connection.execute(
        select(document.c.printed_at)
        .where(document.c.arrangement_id == stored.id)
        .order_by(document.c.id.desc())
        .limit(1)
    ).scalar_one()
    if printed_at is None:
        why = because(ReasonCode.DEFAULT_NOTICE_NOT_PRINTED, arrangement=stored.external_id)
        note_problem(connection, stored.loan_id, DEFAULT_NOTICE_NOT_PRINTED, why, now)
        return now.date() + TOMORROW
    return _counts_later(connection, stored, printed_at, days, now)


def _counts_later(
    connection: Connection, stored: Arrangement, given_at: datetime, days: int, now: datetime
) -> date | None:
    """The day from which a default counts, later by the days on which a dispute was open; None: it
    counts now."""
    given_on = given_at.astimezone(now.tzinfo).date()
    counts = default_counts_from(given_on, days)
    counts += days_stood_still(connection, stored.loan_id, given_on, now.date())
    return counts if counts > now.date() else None


def _owed(connection: Connection, stored: Arrangement) -> OwedNotice | None:
    """That a supervisor gives the notice which is due now."""
    owed = owed_notice(connection, stored.loan_id, stored.id)
    is_now = owed is not None and owed.made_at == stored.noticed_at
    return owed if is_now else None


def owe_if_untold(connection: Connection, ctx: Context, stored: Arrangement, now: datetime) -> None:
    """Have a supervisor tell the person that the arrangement has ended, if no letter said so before
    and no number is on record for the ladder's text. The loan is locked."""
    if stored.noticed_at is not None:
        return
    has_number = exists().where(borrower_number.c.borrower_id == loan.c.borrower_id)
    reached = select(has_number).where(loan.c.id == stored.loan_id)
    if not connection.execute(reached).scalar_one():
        owe_notice(connection, stored.loan_id, stored.id, now, _within(ctx, stored))


def take_back_notice(connection: Connection, stored: Arrangement, now: datetime) -> None:
    """What was missed is paid, or the arrangement has ended: the letter counts for nothing. It
    stays on record. Nothing is done if nothing was missed."""
    if stored.noticed_at is None and not stored.missed:
        return
    if stored.noticed_at is not None:
        none = {"noticed_at": None, "notice_days": None}
        connection.execute(update(arrangement).where(arrangement.c.id == stored.id).values(none))
        end_owed_notice(connection, stored.loan_id, stored.id, now)
    resolve_problems(connection, [stored.loan_id], _PROBLEMS, now)


def _addressee(connection: Connection, stored: Arrangement) -> _Addressee:
    rows = connection.execute(
        select(*columns_of(_Addressee, loan, borrower, record=borrower.c.external_id))
        .join(borrower, borrower.c.id == loan.c.borrower_id)
        .where(loan.c.id == stored.loan_id)
    )
    (found,) = typed_rows(_Addressee, rows)
    return found


def _days(ctx: Context, stored: Arrangement, to: _Addressee, on: date) -> int:
    """How many days the letter gives, by law and by the terms of the arrangement."""
    terms = _terms(ctx, stored)
    of_kind = terms.of_kind(kind_of(stored)) if terms else None
    packs = packs_for(ctx.policy.rule_packs, to.jurisdiction)
    own = of_kind.default_notice_days if of_kind else 0
    return default_notice_days(packs, ctx.settings.collects_as, to.product, own, on)


def _within(ctx: Context, stored: Arrangement) -> timedelta:
    """Within what time a supervisor gives the notice."""
    terms = _terms(ctx, stored)
    days = terms.notice_within_days if terms else NOTICE_WITHIN_DAYS
    return timedelta(days=days)


def _terms(ctx: Context, stored: Arrangement) -> ArrangementTerms | None:
    """The terms by which it was offered."""
    named = (stored.terms_id, stored.terms_version)
    found = (each for each in ctx.policy.arrangements if (each.id, each.version) == named)
    return next(found, None)


def _write(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    standing: Standing,
    to: _Addressee,
    instalments: list[Instalment],
    days: int,
    now: datetime,
) -> None:
    locale = to.locale if ctx.templates.has_locale(to.locale) else FALLBACK
    missed = set(standing.missed)
    unpaid = sum((each.unpaid for each in instalments if each.due_on in missed), ZERO)
    accepted_on = stored.accepted_on or stored.requested_at.astimezone(now.tzinfo).date()
    values = {
        "lender": ctx.settings.lender,
        "phone": ctx.settings.lender_phone,
        "reference": to.external_id,
        "case": known_as(stored.external_id, format_date(accepted_on, locale)),
        "borrower_name": ctx.cipher.decrypt(to.name_encrypted or b"", place_of_name(to.record)),
        "address": ctx.cipher.decrypt(to.address_encrypted or b"", place_of_address(to.record)),
        "amount": format_money(unpaid, to.currency, locale),
        "as_of": format_date(now.date(), locale),
        "due_on": format_date(min(missed), locale),
        "notice_days": str(days),
    }
    body = ctx.templates.render(TEMPLATE, locale, values)
    connection.execute(
        insert(document).values(
            loan_id=stored.loan_id,
            arrangement_id=stored.id,
            kind=DEFAULT_NOTICE,
            template=TEMPLATE,
            template_version=ctx.templates.version(TEMPLATE, locale),
            locale=locale,
            body_encrypted=ctx.cipher.encrypt(body, place_of_default_notice(stored.id)),
            created_at=now,
        )
    )
    _note_noticed(connection, stored, days, now)


def _note_noticed(connection: Connection, stored: Arrangement, days: int, now: datetime) -> None:
    noticed = {"noticed_at": now, "notice_days": days}
    connection.execute(update(arrangement).where(arrangement.c.id == stored.id).values(noticed))
