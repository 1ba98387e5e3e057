"""The values that templates of texts and letters are filled in with."""

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import Connection, select

from config.readers.locales import format_date, format_money
from config.readers.templates import NAMED_LOANS
from domain.follow_ups import parts_of_cause
from domain.language.phrases import Phrase
from domain.language.render import Entry, part, render
from domain.language.speak import LANGUAGES
from domain.loans import ZERO
from domain.promises import PromiseStatus
from workers.context import Context
from workers.db.arrangements import cause_of, declined_arrangements
from workers.db.schema import promise, promise_part
from workers.gate.claim import ClaimedAction


def text_values(ctx: Context, claimed: ClaimedAction) -> dict[str, str]:
    """What a text may say about a loan: nothing that identifies the borrower to a stranger."""
    locale = claimed.loan.locale
    due_on = claimed.arrears.delinquent_since or claimed.loan.ladder_since
    return {
        "lender": ctx.settings.lender,
        "amount": format_money(claimed.arrears.amount, claimed.loan.currency, locale),
        "due_on": format_date(due_on, locale),
        "days_past_due": str(claimed.arrears.days_past_due),
        "phone": ctx.settings.lender_phone,
        "reference": claimed.loan.external_id,
    }


def values_of_cause(connection: Connection, claimed: ClaimedAction) -> dict[str, str]:
    """What a text may say of what it follows from. One statement."""
    kind = parts_of_cause(claimed.loan.cause).get("cause_kind")
    of_cause = _refusal_values if kind == "arrangement" else _promise_values
    return of_cause(connection, claimed)


def _refusal_values(connection: Connection, claimed: ClaimedAction) -> dict[str, str]:
    """Why nothing was offered when the borrower asked, in their language, or else in English;
    nothing if nobody said."""
    declined = declined_arrangements(connection, claimed.loan.loan_id)
    of_cause = [each.refusal for each in declined if cause_of(each) == claimed.loan.cause]
    if not (refusal := next(iter(of_cause), None)):
        return {}
    language = LANGUAGES["zh" if claimed.loan.locale.startswith("zh") else "en"]
    said = part(Phrase.REFUSED_BECAUSE, refused_because=refusal)
    (sentence,) = render([Entry(None, (said,))], language, UTC)
    return {"refused_because": sentence.text}


def _promise_values(connection: Connection, claimed: ClaimedAction) -> dict[str, str]:
    """What a text may say of the loan's open promise: the next part that falls due, today or later.
    Nothing if it has none."""
    found = connection.execute(
        select(promise_part.c.amount, promise_part.c.due_on)
        .join(promise, promise.c.id == promise_part.c.promise_id)
        .where(
            promise.c.loan_id == claimed.loan.loan_id,
            promise.c.status == PromiseStatus.OPEN,
            promise_part.c.due_on >= claimed.now.date(),
        )
        .order_by(promise_part.c.due_on)
        .limit(1)
    ).one_or_none()
    if found is None:
        return {}
    locale = claimed.loan.locale
    return {
        "promised": format_money(found.amount, claimed.loan.currency, locale),
        "promised_by": format_date(found.due_on, locale),
    }


def values_for_several(ctx: Context, claimed: Sequence[ClaimedAction]) -> dict[str, str]:
    """What a text may say about several loans of one person, all in one currency."""
    currency, locale = claimed[0].loan.currency, claimed[0].loan.locale
    amounts = [action.arrears.amount for action in claimed]
    values = {
        "lender": ctx.settings.lender,
        "phone": ctx.settings.lender_phone,
        "count": str(len(claimed)),
        "total": format_money(sum(amounts, ZERO), currency, locale),
    }
    for n, action in enumerate(claimed[:NAMED_LOANS], start=1):
        values[f"loan_{n}"] = action.loan.external_id
        values[f"amount_{n}"] = format_money(action.arrears.amount, currency, locale)
    return values
