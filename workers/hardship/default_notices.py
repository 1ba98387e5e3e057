"""The letter that a default is announced with: until its days are over the arrangement goes on."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from config.readers.locales import format_date, format_money
from domain.arrangements import Standing, default_counts_from
from domain.compliance.default_notice import default_notice_days
from domain.compliance.rules import packs_for
from domain.loans import ZERO, Instalment
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.arrangements import Arrangement, kind_of
from workers.db.places import place_of_address, place_of_default_notice, place_of_name
from workers.db.problems import (
    DEFAULT_NOTICE_NOT_PRINTED,
    DEFAULT_NOTICE_WITHOUT_ADDRESS,
    note_problem,
    resolve_problems,
)
from workers.db.schema import arrangement, borrower, document, loan
from workers.db.typed_rows import columns_of, typed_rows

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
    problem that people see, and it is looked at again each day. The loan is locked. `now` is in the
    lender's zone.
    """
    to = _addressee(connection, stored)
    if stored.noticed_at is None:
        days = _days(ctx, stored, to, now.date())
        if not days:
            return None
        if to.address_encrypted is None or to.name_encrypted is None:
            why = because(ReasonCode.DEFAULT_NOTICE_WITHOUT_ADDRESS, arrangement=stored.external_id)
            note_problem(connection, stored.loan_id, DEFAULT_NOTICE_WITHOUT_ADDRESS, why, now)
            return now.date() + TOMORROW
        _write(connection, ctx, stored, standing, to, instalments, days, now)
        resolve_problems(connection, [stored.loan_id], (DEFAULT_NOTICE_WITHOUT_ADDRESS,), now)
        return now.date() + TOMORROW
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
    printed_on = printed_at.astimezone(now.tzinfo).date()
    counts = default_counts_from(printed_on, stored.notice_days or 0)
    return counts if counts > now.date() else None


def take_back_notice(connection: Connection, stored: Arrangement, now: datetime) -> None:
    """What was missed is paid, or the arrangement has ended: the letter counts for nothing. It
    stays on record. Nothing is done if nothing was missed."""
    if stored.noticed_at is None and not stored.missed:
        return
    if stored.noticed_at is not None:
        none = {"noticed_at": None, "notice_days": None}
        connection.execute(update(arrangement).where(arrangement.c.id == stored.id).values(none))
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
    named = (stored.terms_id, stored.terms_version)
    terms = (each for each in ctx.policy.arrangements if (each.id, each.version) == named)
    of_kind = next((each.of_kind(kind_of(stored)) for each in terms), None)
    packs = packs_for(ctx.policy.rule_packs, to.jurisdiction)
    own = of_kind.default_notice_days if of_kind else 0
    return default_notice_days(packs, ctx.settings.collects_as, to.product, own, on)


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
    values = {
        "lender": ctx.settings.lender,
        "phone": ctx.settings.lender_phone,
        "reference": to.external_id,
        "case": stored.external_id,
        "borrower_name": ctx.cipher.decrypt(to.name_encrypted or b"", place_of_name(to.record)),
        "address": ctx.cipher.decrypt(to.address_encrypted or b"", place_of_address(to.record)),
        "amount": format_money(unpaid, to.currency, locale),
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
    noticed = {"noticed_at": now, "notice_days": days}
    connection.execute(update(arrangement).where(arrangement.c.id == stored.id).values(noticed))
