"""From the records of one loan to its history."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from config.readers.legal_checklists import checklist_for
from domain.ladder import CALL_BACK
from domain.language.phrases import Phrase
from domain.language.render import Entry, Language, Part, Sentence, in_order, part, render
from domain.language.sentences import chinese_words
from domain.language.speak import LANGUAGES
from domain.permissions import Permission
from workers.access.may_handle import assert_may_read, must_not_handle, of_loan_id
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.loans import loan_not_known
from workers.db.schema import instalment, loan
from workers.db.typed_rows import columns_of, typed_row
from workers.history import (
    actions,
    arrangements,
    audit,
    borrower,
    conversations,
    decisions,
    effects,
    holds,
    incoming,
    matters,
    money,
    schedules,
)
from workers.history.amounts import hide_amounts
from workers.history.citations import Citations
from workers.history.loan import ExplainedLoan
from workers.history.words import show_words


@permitted(Permission.READ_LOANS)
def loan_history(
    connection: Connection,
    ctx: Context,
    loan_external_id: str,
    *,
    at: datetime | None = None,
    language: str = "en",
    amounts_shown: bool = True,
) -> list[Sentence]:
    """Everything on record about a loan, in order of time, in the lender's zone. Changes nothing.

    With `at`, an aware moment, it ends with what had happened by then. `language` is one of
    `LANGUAGES`; references, and what providers and people said, stay as they are. Without
    `amounts_shown` it says no amounts.

    Raises:
        RefusedError: whoever reads must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    subject = _find(connection, loan_external_id)
    whose = of_loan_id(subject.id)
    assert_may_read(connection, ctx.actor, whose)
    # Who oversees reads on, but nobody reads what was said of them.
    words_shown = not must_not_handle(connection, ctx.actor, whose)
    citations = Citations(ctx.policy.rule_packs)
    facts = [*incoming.facts(connection, subject)]
    # What shares a moment is listed in this order: facts, the review of them, and its results. A
    # receipt comes before the problem and the fact that it shows.
    recorded = [
        *_opening(subject, connection),
        *incoming.events(connection, subject),
        *audit.tapes(connection, subject, ctx.settings.lender_zone),
        *holds.holds(connection, subject),
        *matters.matters(connection, subject, ctx.settings.lender_zone),
        *borrower.contact_changes(connection, subject),
        *borrower.number_orders(connection, subject),
        *borrower.replies(connection, subject),
        *incoming.same_person(connection, subject),
        *incoming.parties(connection, subject),
        *(fact for fact in facts if not incoming.is_of_provider(fact)),
        *money.payments(connection, subject),
        *money.reversals(connection, subject),
        *money.returns(connection, subject),
        *money.adjustments(connection, subject),
        *money.taken_back(connection, subject),
        *schedules.replaced_schedules(connection, subject),
        *schedules.absences(connection, subject),
        *incoming.write_off(subject),
        *incoming.past_write_offs(connection, subject),
        *incoming.acknowledgements(connection, subject),
        *incoming.limitation_facts(connection, subject),
        *holds.promises(connection, subject),
        *arrangements.arrangements(connection, subject),
        *holds.sending_holds(connection, subject),
        *decisions.decisions(connection, subject),
        *decisions.cases_opened(connection, subject, ctx.settings.lender_zone),
        *actions.planned(connection, subject),
        *actions.approvals(connection, subject),
        *actions.contacts(connection, subject, citations),
        *effects.messages(connection, subject),
        *effects.calls(connection, subject),
        *effects.visits(connection, subject),
        *effects.documents(connection, subject),
        *arrangements.default_notices(connection, subject),
        *effects.legal_files(connection, subject),
        *effects.messages_gone_wrong(connection, subject),
        *effects.receipts(connection, subject),
        *(fact for fact in facts if incoming.is_of_provider(fact)),
        *incoming.problems(connection, subject),
        *actions.moves(connection, subject, citations),
        *decisions.cases_closed(connection, subject),
        *conversations.takeovers(connection, subject),
        *conversations.confirmations(connection, subject),
        *effects.outcomes(connection, subject),
        *effects.inbound(connection, subject),
        *conversations.duties(connection, subject),
        *effects.location_calls(connection, subject, citations),
        *audit.accesses(connection, subject),
        *audit.erasures(connection, subject),
        *audit.second_persons(connection, subject),
    ]
    entries = show_words(connection, ctx, recorded, shown=words_shown)
    if not amounts_shown:
        entries = hide_amounts(entries)
    # The entries are all there by now, so it is known whether any letter was shown.
    legend = [Entry(None, (part,)) for part in citations.legend()]
    if at is None:
        ending = [_closing(subject), *legend]
    else:
        entries = [entry for entry in entries if entry.at is None or entry.at <= at]
        ending = legend
    return render(
        [*in_order(entries), *ending],
        _in(ctx, language, subject.jurisdiction),
        ctx.settings.lender_zone,
    )


def _in(ctx: Context, language: str, jurisdiction: str) -> Language:
    """The language, with the names that ladders and the checklist of the jurisdiction have in it;
    newer versions win."""
    names: dict[str, dict[str, str]] = {"ladder": {}, "step": {}, "item": {}, "needs": {}}
    if language == "zh":
        # A letter of no ladder is known by its template, and a permission by its code.
        names["item"] |= chinese_words("letter")
        names["item"][CALL_BACK.id] = CALL_BACK.names[language]
        names["asked_for"] = {**chinese_words("access_permission")}
    for ladder in sorted(ctx.policy.ladders, key=lambda ladder: ladder.version):
        named = [("ladder", ladder.id, ladder.names)]
        for step, item in ladder.items:
            named += [("step", step.id, step.names), ("item", item.id, item.names)]
        named += [("item", item.id, item.names) for item in ladder.follow_ups]
        for kind, id, in_languages in named:
            if language in in_languages:
                names[kind][id] = in_languages[language]
    checklist = checklist_for(ctx.policy.checklists, jurisdiction)
    if language == "zh" and checklist:
        names["needs"] = {need.id: need.text_zh for need in checklist.evidence}
    names["steps"] = names["step"]
    return LANGUAGES[language].with_names({kind: known for kind, known in names.items() if known})


def _find(connection: Connection, external_id: str) -> ExplainedLoan:
    named = select(*columns_of(ExplainedLoan, loan)).where(loan.c.external_id == external_id)
    found = typed_row(ExplainedLoan, connection.execute(named))
    if found is None:
        raise loan_not_known(external_id)
    return found


def _opening(subject: ExplainedLoan, connection: Connection) -> list[Entry]:
    schedule = connection.execute(
        select(
            func.count().label("instalments"),
            func.min(instalment.c.due_on).label("first"),
            func.max(instalment.c.due_on).label("last"),
        ).where(instalment.c.loan_id == subject.id)
    ).one()
    terms: dict[str, object] = {
        "loan": subject.external_id,
        "product": subject.product,
        "jurisdiction": subject.jurisdiction,
        "loan_currency": subject.currency,
    }
    if schedule.instalments == 1:
        parts = [part(Phrase.LUMP_SUM_LOAN, **terms, due_on=schedule.first)]
    else:
        due = {"first_due_on": schedule.first, "last_due_on": schedule.last}
        parts = [part(Phrase.LOAN, **terms, instalments=schedule.instalments, **due)]
    parts += _disbursement(subject)
    moved = connection.execute(
        select(instalment.c.due_on, instalment.c.counts_from)
        .where(instalment.c.loan_id == subject.id, instalment.c.counts_from != instalment.c.due_on)
        .order_by(instalment.c.due_on)
    )
    if days := tuple(f"{row.due_on} → {row.counts_from}" for row in moved):
        parts.append(part(Phrase.MOVED_DUE_DATES, days=days))
    if subject.steps_tried_at:
        steps = tuple(subject.steps_tried)
        parts.append(
            part(Phrase.TRIED_BEFORE, delinquent_since=subject.steps_tried_at, steps=steps)
        )
    return [Entry(None, tuple(parts))]


def _disbursement(subject: ExplainedLoan) -> list[Part]:
    lent, on = subject.original_principal, subject.disbursed_on
    amount: dict[str, object] = {"original_principal": lent, "loan_currency": subject.currency}
    if lent is None:
        return [] if on is None else [part(Phrase.DISBURSED, disbursed_on=on)]
    if on is None:
        return [part(Phrase.LENT, **amount)]
    return [part(Phrase.LENT_ON, **amount, disbursed_on=on)]


def _closing(subject: ExplainedLoan) -> Entry:
    if subject.written_off_on is not None:
        on = subject.written_off_on
        return Entry(None, (part(Phrase.NO_REVIEW_AFTER_WRITE_OFF, written_off_on=on),))
    if subject.review_on is None:
        return Entry(None, (part(Phrase.NO_NEXT_REVIEW),))
    return Entry(None, (part(Phrase.NEXT_REVIEW, review_on=subject.review_on),))
