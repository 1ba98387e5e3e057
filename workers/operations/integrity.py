"""The house holds itself to two promises: what acted can be explained, and nothing acted twice."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Connection, func, select, text

from domain.errors import ArrearsError
from domain.ladder import Ladder, find_ladder
from workers.context import Context
from workers.db.schema import action


class Gap(StrEnum):
    """The ways in which a record can fail to explain itself."""

    ACTION_WITHOUT_DECISION = "action_without_decision"
    ITEM_NOT_IN_LADDER = "item_not_in_ladder"
    CONTACT_WITHOUT_RULES = "contact_without_rules"
    DONE_WITHOUT_EFFECT = "done_without_effect"
    EFFECT_NOT_DONE = "effect_not_done"
    LOAN_NOT_LOOKED_AT = "loan_not_looked_at"


# An effect is what may have reached somebody: not a text that was only reserved or that the
# provider refused, nor one whose answer was lost, which its action says too; nor a call or a visit
# that was called off.
_EFFECTS = """
effect AS (
    SELECT action_id, loan_id, 'send_sms' AS type
      FROM message JOIN action ON action.id = message.action_id
     WHERE message.status NOT IN ('reserved', 'unknown', 'refused')
    UNION ALL SELECT action_id, loan_id, 'assign_call' FROM call WHERE cancelled_at IS NULL
    UNION ALL SELECT action_id, loan_id, 'schedule_visit' FROM visit WHERE cancelled_at IS NULL
    UNION ALL SELECT action_id, loan_id, 'open_legal_file' FROM legal_file
)
"""

_COUNTS: dict[Gap, str] = {
    # The decision must be about the same loan and arrears, and must itself name a ladder.
    Gap.ACTION_WITHOUT_DECISION: """
        SELECT count(*) FROM action JOIN decision ON decision.id = action.decision_id
         WHERE decision.loan_id <> action.loan_id OR decision.ladder_id IS NULL
            OR decision.delinquent_since IS DISTINCT FROM action.delinquent_since
    """,
    # No rule known means no contact; and a contact must be its own action's.
    Gap.CONTACT_WITHOUT_RULES: """
        SELECT count(*) FROM contact JOIN action ON action.id = contact.action_id
         WHERE cardinality(contact.rule_packs) = 0 OR contact.loan_id <> action.loan_id
    """,
    Gap.DONE_WITHOUT_EFFECT: f"""
        WITH {_EFFECTS}
        SELECT count(*) FROM action
         WHERE status IN ('done', 'assigned') AND NOT EXISTS (
               SELECT FROM effect WHERE effect.action_id = action.id AND effect.type = action.type)
    """,  # noqa: S608 - nothing but this file's own text
    # A receipt may overtake the provider's answer, so a text may be ahead of its action.
    Gap.EFFECT_NOT_DONE: f"""
        WITH {_EFFECTS}
        SELECT count(*) FROM effect JOIN action ON action.id = effect.action_id
         WHERE effect.loan_id <> action.loan_id OR effect.type <> action.type
            OR NOT (action.status IN ('done', 'assigned')
                    OR (action.type = 'send_sms' AND action.status IN ('claimed', 'unknown')))
    """,  # noqa: S608 - nothing but this file's own text
    Gap.LOAN_NOT_LOOKED_AT: """
        SELECT count(*) FROM loan
          JOIN LATERAL (
               SELECT min(i.due_on) AS delinquent_since FROM instalment i
                WHERE i.loan_id = loan.id AND i.due_on < :today
                  AND i.paid_principal + i.paid_interest + i.paid_fees
                      < i.principal + i.interest + i.fees) AS oldest ON oldest.delinquent_since
                          IS NOT NULL
         WHERE (loan.review_on IS NULL OR loan.review_on < :today)
           AND NOT EXISTS (
               SELECT FROM decision d
                WHERE d.loan_id = loan.id AND d.delinquent_since = oldest.delinquent_since
                  AND d.business_date >= coalesce(loan.review_on, d.business_date))
           AND NOT EXISTS (
               SELECT FROM hold h
                WHERE h.loan_id = loan.id AND h.starts_on <= :today
                  AND (h.ends_on IS NULL OR h.ends_on > :today))
    """,
}

# Counted without trusting the constraints that forbid it. A text whose answer was lost counts too.
_DUPLICATES = text("""
WITH acted AS (
    SELECT action_id FROM message WHERE status <> 'refused'
    UNION ALL SELECT action_id FROM call WHERE cancelled_at IS NULL
    UNION ALL SELECT action_id FROM visit WHERE cancelled_at IS NULL
    UNION ALL SELECT action_id FROM legal_file
), times AS (
    SELECT count(*) AS acted
      FROM acted JOIN action ON action.id = acted.action_id
     GROUP BY action.loan_id, action.delinquent_since, action.item
)
SELECT coalesce(sum(acted - 1), 0) FROM times
""")


def find_unexplained(connection: Connection, ctx: Context) -> dict[Gap, int]:
    """How many records cannot be explained, by what is missing; only what was found.

    Records are actions, contacts, texts, calls, visits and legal files, and loans past due whose
    look is a day or more late. One record may be counted for several gaps.
    """
    today = {"today": ctx.today()}
    found = {
        gap: int(connection.execute(text(sql), today).scalar_one()) for gap, sql in _COUNTS.items()
    }
    found[Gap.ITEM_NOT_IN_LADDER] = _items_not_in_ladder(connection, ctx.policy.ladders)
    return {gap: number for gap, number in found.items() if number}


def count_unexplained(connection: Connection, ctx: Context) -> int:
    """How many records cannot be explained; see `find_unexplained`. The promise is 0."""
    return sum(find_unexplained(connection, ctx).values())


def count_duplicates(connection: Connection) -> int:
    """How often an item acted again for the same loan and anchor. The promise is 0."""
    return int(connection.execute(_DUPLICATES).scalar_one())


def _items_not_in_ladder(connection: Connection, ladders: Iterable[Ladder]) -> int:
    """Actions whose item is not in the ladder version they name, or whose version is not loaded."""
    loaded = tuple(ladders)
    item = (action.c.ladder_id, action.c.ladder_version, action.c.item)
    groups = connection.execute(select(*item, func.count()).group_by(*item))
    return sum(
        number
        for ladder_id, version, item_id, number in groups
        if not _is_known(loaded, ladder_id, version, item_id)
    )


def _is_known(ladders: tuple[Ladder, ...], ladder_id: str, version: int, item: str) -> bool:
    try:
        find_ladder(ladders, ladder_id, version).item(item)
    except ArrearsError:
        return False
    return True
