"""Check what is guaranteed: every effect can be explained, no item acted twice, no promise and no
plan is in two states, and the cents of a plan add up."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from sqlalchemy import Connection, func, select, text

from domain.actions import ACTION_TYPES
from domain.arrangements import OPEN
from domain.errors import ArrearsError
from domain.ladder import Ladder, find_ladder
from workers.context import Context
from workers.db.schema import action, metadata


class Gap(StrEnum):
    """What a record may lack to be explained."""

    ACTION_WITHOUT_DECISION = "action_without_decision"
    ITEM_NOT_IN_LADDER = "item_not_in_ladder"
    CONTACT_WITHOUT_RULES = "contact_without_rules"
    DONE_WITHOUT_EFFECT = "done_without_effect"
    EFFECT_NOT_DONE = "effect_not_done"
    LOAN_NOT_REVIEWED = "loan_not_reviewed"
    PROMISE_IN_TWO_STATES = "promise_in_two_states"
    PLAN_IN_TWO_STATES = "plan_in_two_states"
    PLAN_DOES_NOT_ADD_UP = "plan_does_not_add_up"


# These rows are no effect: a text that is only reserved, that the provider refused, that did not
# arrive, or whose result is not known (its action says so too); a call or a visit that was
# cancelled.
_HAD_EFFECT = {
    "message": "e.status NOT IN ('reserved', 'unknown', 'refused', 'undelivered', 'send_failed')",
    "call": "e.cancelled_at IS NULL",
    "visit": "e.cancelled_at IS NULL",
}


def _effects(conditions: Mapping[str, str]) -> str:
    """A query of the effects of all actions, with the action, the loan and the table of each."""
    tables = dict.fromkeys(
        metadata.tables[action_type.effect_table] for action_type in ACTION_TYPES.values()
    )
    queries = [
        f"""
        SELECT e.action_id, {"e" if "loan_id" in table.c else "a"}.loan_id, '{table}' AS effect
          FROM {table} e JOIN action a ON a.id = e.action_id
         WHERE {conditions.get(table.name, "true")}
        """  # noqa: S608 - nothing but this file's own text
        for table in tables
    ]
    return "UNION ALL".join(queries)


_EFFECTS = f"""
effect AS ({_effects(_HAD_EFFECT)}),
expected (type, effect) AS (
    VALUES {", ".join(f"('{type_}', '{type_.effect_table}')" for type_ in ACTION_TYPES.values())})
"""

_OPEN_PLAN = ", ".join(f"'{status}'" for status in OPEN)

_COUNTS: dict[Gap, str] = {
    # The decision must be about the same loan and start of the ladder, and must name a ladder.
    # Decisions before revision 0003 have no start of their own: it was `delinquent_since`.
    Gap.ACTION_WITHOUT_DECISION: """
        SELECT count(*) FROM action JOIN decision ON decision.id = action.decision_id
         WHERE decision.loan_id <> action.loan_id OR decision.ladder_id IS NULL
            OR decision.delinquent_since IS NULL
            OR coalesce(decision.ladder_since, decision.delinquent_since)
               IS DISTINCT FROM action.ladder_since
    """,
    # A contact needs a rule pack, and must belong to the loan of its action.
    Gap.CONTACT_WITHOUT_RULES: """
        SELECT count(*) FROM contact JOIN action ON action.id = contact.action_id
         WHERE cardinality(contact.rule_packs) = 0 OR contact.loan_id <> action.loan_id
    """,
    Gap.DONE_WITHOUT_EFFECT: f"""
        WITH {_EFFECTS}
        SELECT count(*) FROM action JOIN expected USING (type)
         WHERE status IN ('done', 'assigned') AND NOT EXISTS (
               SELECT FROM effect
                WHERE effect.action_id = action.id AND effect.effect = expected.effect)
    """,  # noqa: S608 - nothing but this file's own text
    # A receipt may come before the provider's response, so a text may be ahead of its action.
    Gap.EFFECT_NOT_DONE: f"""
        WITH {_EFFECTS}
        SELECT count(*) FROM effect JOIN action ON action.id = effect.action_id
                                    JOIN expected USING (type)
         WHERE effect.loan_id <> action.loan_id OR effect.effect <> expected.effect
            OR NOT (action.status IN ('done', 'assigned')
                    OR (effect.effect = 'message' AND action.status IN ('claimed', 'unknown')))
    """,  # noqa: S608 - nothing but this file's own text
    Gap.LOAN_NOT_REVIEWED: """
        SELECT count(*) FROM loan
          JOIN LATERAL (
               SELECT min(i.counts_from) AS delinquent_since FROM instalment i
                WHERE i.loan_id = loan.id AND i.counts_from < :today
                  AND i.paid_principal + i.paid_interest + i.paid_fees
                      < i.principal + i.interest + i.fees) AS oldest ON oldest.delinquent_since
                          IS NOT NULL
         WHERE (loan.review_on IS NULL OR loan.review_on < :today)
           AND NOT EXISTS (
               SELECT FROM decision d
                WHERE d.loan_id = loan.id AND d.delinquent_since = oldest.delinquent_since
                  AND d.business_date >= coalesce(loan.review_on, d.business_date))
           AND NOT EXISTS (
               SELECT FROM hold_of_loan h
                WHERE h.loan_id = loan.id AND h.starts_on <= :today
                  AND (h.ends_on IS NULL OR h.ends_on > :today))
    """,
}

# Counted independently of the constraints, too: what a row says of itself, what its pause says, and
# what the rows beside it say.
_COUNTS |= {
    Gap.PROMISE_IN_TWO_STATES: """
        SELECT count(*) FROM promise p JOIN hold h ON h.id = p.hold_id
         WHERE (p.status = 'open') <> (p.completed_at IS NULL)
            OR (p.status = 'open' AND h.ends_on <= p.due_on)
            OR (p.status <> 'open' AND (h.ends_on IS NULL OR h.ends_on > :today))
            OR (p.status = 'open' AND EXISTS (
                SELECT FROM promise other
                 WHERE other.loan_id = p.loan_id AND other.status = 'open' AND other.id <> p.id))
            OR p.status <> coalesce((
                SELECT e.to_status FROM promise_event e
                 WHERE e.promise_id = p.id ORDER BY e.id DESC LIMIT 1), p.status)
    """,
    Gap.PLAN_IN_TWO_STATES: f"""
        SELECT count(*) FROM arrangement a LEFT JOIN hold h ON h.id = a.hold_id
         WHERE (a.status IN ({_OPEN_PLAN})) <> (a.ended_at IS NULL)
            OR (a.ended_at IS NOT NULL AND h.id IS NOT NULL
                AND (h.ends_on IS NULL OR h.ends_on > :today))
            OR (a.status = 'active' AND (
                a.confirmed_at IS NULL
                OR (a.quote -> 'stops' @> '["collection"]' AND NOT a.quote ? 'deferred_until')
                    <> (h.ends_on IS NULL)))
            OR (a.ended_at IS NULL AND EXISTS (
                SELECT FROM arrangement other
                 WHERE other.loan_id = a.loan_id AND other.ended_at IS NULL AND other.id <> a.id))
    """,  # noqa: S608 - nothing but this file's own text
    Gap.PLAN_DOES_NOT_ADD_UP: """
        SELECT count(*) FROM arrangement a
         WHERE a.quote IS NOT NULL AND (
               a.to_pay_after <> (
                   SELECT sum((each ->> 'amount')::numeric)
                     FROM jsonb_array_elements(a.quote -> 'after') AS each)
            OR a.to_pay_after <> a.to_pay_before + (a.quote ->> 'interest')::numeric
                   + (a.quote ->> 'fee')::numeric - (a.quote ->> 'interest_dropped')::numeric
            OR (a.confirmed_at IS NULL AND EXISTS (
                   SELECT FROM jsonb_array_elements(a.quote -> 'arranged') AS each
                     LEFT JOIN arrangement_instalment i
                       ON i.arrangement_id = a.id AND i.due_on = (each ->> 'due_on')::date
                    WHERE i.principal + i.interest + i.fees
                          IS DISTINCT FROM (each ->> 'amount')::numeric)))
    """,
}

# Counted independently of the constraints. A text whose response was lost counts too. One that did
# not arrive does not: the ladder may try once more.
_MAY_HAVE_HAD = {"message": "e.status NOT IN ('refused', 'undelivered', 'send_failed')"}
_DUPLICATES = text(f"""
WITH acted AS ({_effects(_HAD_EFFECT | _MAY_HAVE_HAD)}
), times AS (
    SELECT count(*) AS acted
      FROM acted JOIN action ON action.id = acted.action_id
     GROUP BY action.loan_id, action.ladder_since, action.item
)
SELECT coalesce(sum(acted - 1), 0) FROM times
""")  # noqa: S608 - nothing but this file's own text


def find_unexplained(connection: Connection, ctx: Context) -> dict[Gap, int]:
    """How many records cannot be explained, by gap; gaps without records are left out.

    Records are actions, contacts, texts, calls, visits, legal files, promises, arrangements, and
    loans past due whose review is a day or more late. One record may be counted for several gaps.
    """
    today = {"today": ctx.today()}
    found = {
        gap: int(connection.execute(text(sql), today).scalar_one()) for gap, sql in _COUNTS.items()
    }
    found[Gap.ITEM_NOT_IN_LADDER] = _items_not_in_ladder(connection, ctx.policy.ladders)
    return {gap: number for gap, number in found.items() if number}


def count_unexplained(connection: Connection, ctx: Context) -> int:
    """How many records cannot be explained; see `find_unexplained`. It must be 0."""
    return sum(find_unexplained(connection, ctx).values())


def count_duplicates(connection: Connection) -> int:
    """How often an item acted again for the same arrears of a loan. It must be 0."""
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
