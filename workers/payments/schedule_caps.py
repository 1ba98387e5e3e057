"""A new schedule of the lender's ledger that costs more than the law allows is made a problem."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from domain.compliance.money_cap import CapKind, money_caps, strictest
from domain.compliance.rules import packs_for
from domain.loans import Instalment
from domain.reasons import ReasonCode, Reasons, because
from domain.schedule_cost import TOLERANCE, yearly_cost
from workers.context import Context
from workers.db.loans import LockedLoan
from workers.db.problems import SCHEDULE_ABOVE_CAP, note_problem


def check_caps(
    connection: Connection,
    ctx: Context,
    loan: LockedLoan,
    before: Sequence[Instalment],
    after: Sequence[Instalment],
    on: date,
    now: datetime,
) -> Reasons:
    """Compare a new schedule with the yearly cost that a law allows. It counts all the same,
    because the ledger owns it; what is too dear is a problem of the loan. The caller has closed the
    one of the schedule before. No statement where nothing is too dear.

    Caps that ask about a fact of the borrower are left to the quote. Returns what is wrong.
    """
    packs = packs_for(ctx.policy.rule_packs, loan.jurisdiction)
    rules = money_caps(packs, ctx.settings.collects_as, loan.product, on)
    cap = strictest((rule.cap for rule in rules), CapKind.YEARLY_COST_PERCENT)
    cost = yearly_cost(before, after, on) if cap else None
    if cap is None or cost is None or cost <= cap.at_most + TOLERANCE:
        return ()
    why = because(
        ReasonCode.SCHEDULE_ABOVE_CAP,
        on=on,
        percent=cost,
        at_most=cap.at_most,
        citation=cap.source.citation,
    )
    note_problem(connection, loan.id, SCHEDULE_ABOVE_CAP, why, now)
    return why
