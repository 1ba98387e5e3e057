"""The values that templates of texts and letters are filled in with."""

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import Connection

from config.readers.locales import format_date, format_money
from config.readers.templates import NAMED_LOANS
from domain.follow_ups import parts_of_cause
from domain.language.phrases import Phrase
from domain.language.render import Entry, part, render
from domain.language.speak import LANGUAGES
from domain.loans import ZERO
from domain.promises import PromiseStatus, still_to_pay
from workers.context import Context
from workers.db.arrangements import cause_of, declined_arrangements
from workers.db.promises import causes_of_parts, payments_of, promises_of
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
    """What a text may say of what it follows from. One statement; of a promise two."""
    match parts_of_cause(claimed.loan.cause).get("cause_kind"):
        case "arrangement":
            return _refusal_values(connection, claimed)
        case "promise":
            return _promise_values(connection, claimed)
    return {}


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
    """What a text may say of the part of an open promise that it follows from: what is still
    missing of it, and its day. Nothing if the promise is over."""
    loan_id, locale = claimed.loan.loan_id, claimed.loan.locale
    for stored in promises_of(connection, [loan_id], [PromiseStatus.OPEN]):
        made = stored.as_made(claimed.now)
        by_cause = dict(zip(causes_of_parts(stored, made.parts), made.parts, strict=True))
        if (named := by_cause.get(str(claimed.loan.cause))) is None:
            continue
        missing = still_to_pay(made, named, payments_of(connection, [loan_id])[loan_id])
        return {
            "promised": format_money(missing, claimed.loan.currency, locale),
            "promised_by": format_date(named.due_on, locale),
        }
    return {}


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
