"""What each index is for: the work whose statements use it, or the promise that it keeps."""

from datetime import date, timedelta
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import select, text

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.disputes import Matter
from domain.events import LENDER, STAFF
from domain.payments import ReturnKind
from tests.support.index_uses import (
    ADDRESS_OF_SOMEBODY,
    LEASE,
    PAST_DUE,
    Ask,
    a_claim,
    a_link_of_a_row,
    a_page_of_problems,
    a_payment_comes_in,
    a_policy_comes_in,
    a_receipt_comes_in,
    a_text_comes_in,
    actions_wake,
    buckets_change,
    calls_are_counted,
    changes_of_matters,
    changes_of_person,
    checks_are_counted,
    checks_are_read,
    claims_and_events_that_did_nothing,
    duties_are_read,
    duties_of_a_loan,
    events_wake,
    explained,
    facts,
    facts_are_reassessed,
    leases_are_read,
    links_of_a_head,
    looks_are_read,
    the_totals_of_a_day,
    who_calls,
    who_is_away,
    who_is_barred,
    work_is_served,
)
from workers.actions import dead_letters
from workers.attempts import locked_attempt
from workers.borrowers import reply_queue
from workers.borrowers.opt_outs import record_opt_out
from workers.db import (
    adjustments,
    allocations,
    arrangements,
    closed_numbers,
    contact_points,
    disputes,
    inbox,
    loans,
    outbox,
    paid_by_tape,
    payments,
    persons,
    problems,
    same_person,
    staff,
)
from workers.db.disputes import TABLES
from workers.db.inbox import keep_to_records
from workers.db.schema import (
    hold,
    outbox_event,
    promise,
)
from workers.escalation import scan
from workers.hardship import answer_clock, arrangement_review, promise_judgement
from workers.history import actions as story_of_actions
from workers.history import arrangements as story_of_arrangements
from workers.history import (
    audit,
    decisions,
    effects,
    holds,
    incoming,
    schedules,
)
from workers.history import borrower as story_of_borrower
from workers.inbox.apply import dispatch_events
from workers.inbox.store import store_event
from workers.privacy import erasure, retention
from workers.privacy.pruning import forget_expired_words
from workers.sms import missing_receipts, reconcile
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

# By index: the sentence that says what it is for, and the work whose statements use it; where
# there is none, it is there for what it forbids.
NEEDED: dict[str, tuple[str, Ask | None]] = {
    "access_borrower_id_idx": ("a person asks what is held about them", looks_are_read),
    "access_loan_id_idx": ("a person asks what is held about them", looks_are_read),
    "access_machine_at_idx": ("how many numbers a machine was given", calls_are_counted),
    "access_reply_id_idx": ("a person asks what is held about them", looks_are_read),
    "acknowledgement_once": ("the gate asks what interrupted the limitation period", facts),
    "limitation_fact_once": ("the gate asks what interrupts or suspends it", facts),
    "action_claimed_idx": ("claims whose worker died", lambda c, h: reconcile.mark_lost_claims(h)),
    "action_due_idx": ("actions whose time has come", actions_wake),
    "action_event_action_id_idx": (
        "the moves of an action",
        lambda c, h: list(story_of_actions.planned(c, explained(c))),
    ),
    "action_for_people_idx": (
        "calls, visits and approvals that wait for people; what was given up or has no answer yet",
        lambda c, h: read_work(c, h, h.today(), {Kind.CALLS, Kind.VISITS, Kind.APPROVALS}),
    ),
    "action_once": ("the actions of the loans of an envelope; promise 1", facts),
    "action_party_id_idx": (
        "the letters to a party whose data is erased",
        lambda c, h: erasure.erase(c, [7], h.now()),
    ),
    "borrower_external_id_key": (
        "an event names its borrower",
        lambda c, h: record_opt_out(c, h, f"B-{PAST_DUE}", None, Actor("S-1")),
    ),
    "borrower_person_id_idx": ("the records of a person", facts),
    "borrower_address_point_id_idx": (
        "who has the address of a returned letter",
        lambda c, h: closed_numbers.close_number(
            c, ADDRESS_OF_SOMEBODY, NumberFact.SOMEBODY_ELSE, Actor("S-1"), h.now()
        ),
    ),
    "borrower_number_borrower_id_position_key": ("the numbers of a record, in order", facts),
    "borrower_number_once": ("who has the number of a text", a_text_comes_in),
    "contact_point_blind_index_key": ("which number a text came from", a_text_comes_in),
    "contact_point_fact_contact_point_id_idx": (
        "what was ever known of a number",
        lambda c, h: list(incoming.facts(c, explained(c))),
    ),
    "contact_point_fact_once": ("what is known of a number, each fact once", facts),
    "free_text_borrower_idx": (
        "what people typed about somebody whose data is erased",
        lambda c, h: erasure.erase(c, [7], h.now()),
    ),
    "free_text_loan_idx": (
        "what people typed about the loans of somebody whose data is erased",
        lambda c, h: erasure.erase(c, [7], h.now()),
    ),
    "free_text_expires_idx": (
        "what people typed that has expired",
        lambda c, h: forget_expired_words(c, h.now()),
    ),
    "former_number_borrower_id_idx": (
        "the numbers that somebody had whose data is erased",
        lambda c, h: erasure.erase(c, [7], h.now()),
    ),
    "hold_borrower_id_idx": ("the holds of a person", facts),
    **{
        f"{table}_{index}": (purpose, use)
        for table in Matter
        for index, (purpose, use) in {
            "external_id_sender_key": (
                "a decision names what it decides",
                lambda c, h, table=table: disputes.lock_matter(c, table, "D-7", LENDER),
            ),
            "loan_id_idx": (
                "the history of a loan",
                lambda c, h, table=table: c.execute(
                    select(TABLES[table]).where(TABLES[table].c.loan_id == 7)
                ),
            ),
            "borrower_id_idx": (
                "an erasure empties the letters of a person, and a complaint bars",
                lambda c, h, table=table: c.execute(
                    select(TABLES[table]).where(TABLES[table].c.borrower_id == 7)
                ),
            ),
            "hold_id_idx": (
                "a release asks whether its hold is that of an open one",
                lambda c, h, table=table: c.execute(
                    select(TABLES[table]).where(TABLES[table].c.hold_id == 1000007)
                ),
            ),
            "check_at_idx": (
                "the watch over the time to answer, and over letters that nobody printed",
                lambda c, h, table=table: answer_clock._due(c, table, h.now(), 200),
            ),
        }.items()
    },
    "matter_change_dispute_id_idx": ("the history of a dispute", changes_of_matters),
    "matter_change_complaint_id_idx": ("the history of a complaint", changes_of_matters),
    "matter_change_borrower_id_idx": ("a person asks what is held about them", changes_of_person),
    "complaint_about_staff_idx": (
        "of whom somebody complained",
        lambda c, h: c.execute(text("SELECT * FROM complaint WHERE about_staff = 'c-7'")),
    ),
    "loan_party_borrower_id_idx": (
        "the loans of which a person is party",
        lambda c, h: persons.lock_loans_of_person(c, 7),
    ),
    "loan_party_change_loan_party_id_idx": (
        "who was ever party to a loan",
        lambda c, h: list(incoming.parties(c, explained(c))),
    ),
    "loan_party_loan_id_borrower_id_role_key": (
        "the parties of a loan, each once",
        lambda c, h: list(incoming.parties(c, explained(c))),
    ),
    "representative_person_fact_id_idx": (
        "who acted for a person, ever",
        lambda c, h: list(incoming._representatives(c, [7])),
    ),
    "representative_once": ("one representative for each fact, and no more", None),
    "person_fact_borrower_id_idx": (
        "what was ever known of a person",
        lambda c, h: list(incoming.facts(c, explained(c))),
    ),
    "person_fact_contact_point_id_idx": (
        "whether somebody called a number inconvenient that is erased",
        lambda c, h: erasure._erase_points(c, [7], [7]),
    ),
    "person_fact_once": ("a fact of a person is on record once", None),
    "reply_contact_point_id_idx": (
        "whether a number that is erased wrote anything",
        lambda c, h: erasure._erase_points(c, [7], [7]),
    ),
    "same_person_change_borrower_id_idx": (
        "who was joined with the borrower of a loan",
        lambda c, h: list(incoming.same_person(c, explained(c))),
    ),
    "same_person_change_other_id_idx": (
        "who was joined with the borrower of a loan",
        lambda c, h: list(incoming.same_person(c, explained(c))),
    ),
    "same_person_other_id_idx": (
        "the links of a person",
        lambda c, h: same_person.links_of(c, [7]),
    ),
    "call_action_id_idx": (
        "the calls of an action, also those that were called off",
        lambda c, h: list(effects.calls(c, explained(c))),
    ),
    "call_open_idx": ("what a collector still has to do", work_is_served),
    "contact_outcome_callback_at_idx": ("callbacks that are late", work_is_served),
    "party_check_borrower_id_at_idx": ("a person asks what is held about them", checks_are_read),
    "party_check_contact_id_idx": ("whether somebody was confirmed in a call", checks_are_counted),
    "work_lease_borrower_id_idx": ("a person asks what is held about them", leases_are_read),
    "work_lease_one_live_per_person": ("nobody is served to two", None),
    "work_lease_one_live_per_staff": ("a collector has one piece of work", None),
    "work_lease_staff_id_served_at_idx": ("what a collector was served today", work_is_served),
    "work_takeover_work_lease_id_idx": ("a person asks what is held about them", leases_are_read),
    "call_one_live_per_action": ("never two calls at once for one action", None),
    "absence_staff_id_starts_at_idx": ("who is absent", who_is_away),
    "absence_ends_at_idx": (
        "who will be absent, among all who ever were",
        lambda c, h: staff.lock_visitors(c, h.now(), h.now() + timedelta(days=5)),
    ),
    "must_not_handle_staff_id_idx": ("whom somebody must not handle", who_calls),
    "must_not_handle_borrower_id_idx": ("what is known of a borrower", who_is_barred),
    "call_staff_id_assigned_at_idx": ("what each collector still has to do", who_calls),
    "duty_open_idx": ("what is owed, the nearest deadline first", duties_are_read),
    "duty_loan_id_idx": ("what is owed about a loan", duties_of_a_loan),
    "duty_once": ("an outcome asks for one thing", None),
    "collection_case_loan_id_idx": (
        "the cases of a loan",
        lambda c, h: list(decisions.cases_closed(c, explained(c))),
    ),
    "collection_case_one_open_per_loan": ("whether a case is open, and one at most", facts),
    "contact_actor_at_idx": ("how many numbers a collector was given", calls_are_counted),
    "contact_action_id_idx": ("what came of the contacts of an action", facts),
    "contact_attempt_idx": ("an attempt has an id of its own", None),
    "contact_attempt_sender_idx": (
        "an outcome names its attempt",
        lambda c, h: locked_attempt.lock_attempt(c, f"A-1-{PAST_DUE}", STAFF),
    ),
    "call_part_of_idx": (
        "the other loans of a call to make",
        lambda c, h: read_work(c, h, h.today(), [Kind.CALLS]),
    ),
    "contact_part_of_idx": ("the loans of a text that has a receipt", a_receipt_comes_in),
    "contact_borrower_id_at_idx": ("the contacts that caps count", facts),
    "contact_number_blind_index_at_idx": ("the contacts at a number that caps count", facts),
    "contact_address_blind_index_idx": (
        "what is said of an address to which somebody went waits, and the claim with it",
        a_claim,
    ),
    "document_arrangement_id_idx": (
        "the newest letter of an arrangement",
        lambda c, h: list(story_of_arrangements.default_notices(c, explained(c))),
    ),
    "decision_loan_id_id_idx": (
        "the looks at a loan",
        lambda c, h: list(decisions.decisions(c, explained(c))),
    ),
    "document_action_id_idx": (
        "the letters of a loan's actions",
        lambda c, h: list(effects.documents(c, explained(c))),
    ),
    "erasure_borrower_id_idx": (
        "that a borrower was erased",
        lambda c, h: list(audit.erasures(c, explained(c))),
    ),
    "evidence_link_chain_seq_key": (
        "the end of each chain; no two links in one place",
        lambda c, h: c.execute(
            text("SELECT seq FROM evidence_link WHERE chain = 7 ORDER BY seq DESC LIMIT 1")
        ),
    ),
    "evidence_link_evidence_head_id_idx": ("the links a head stands for", links_of_a_head),
    "evidence_link_kind_row_id_idx": ("whether a row is linked", a_link_of_a_row),
    "hold_external_id_sender_key": (
        "a release names its hold",
        lambda c, h: loans.lock_loan_of(c, hold, f"H-{PAST_DUE}", LENDER),
    ),
    "hold_loan_id_idx": ("the holds of the loans of an envelope", facts),
    "hold_release_hold_id_idx": (
        "the releases of a loan's holds",
        lambda c, h: c.execute(text("SELECT * FROM hold_release WHERE hold_id = 7")),
    ),
    "inbox_event_borrower_waiting_idx": (
        "news of the borrower waits, and the claim with it",
        a_claim,
    ),
    "tape_pending_loan_records_idx": (
        "a new loan of a tape that waits names somebody, and the claim of their loans waits",
        a_claim,
    ),
    "inbox_event_other_waiting_idx": (
        "two records are said to be one person, and the claim of both waits",
        a_claim,
    ),
    "inbox_event_attempt_waiting_idx": (
        "an outcome of a call waits, and the claim with it",
        a_claim,
    ),
    "inbox_event_reply_waiting_idx": (
        "what a text means waits, and the claim with it",
        a_claim,
    ),
    "inbox_event_number_waiting_idx": (
        "news of the number waits, and the claim with it",
        a_claim,
    ),
    "inbox_event_numbers_waiting_idx": (
        "news of several numbers waits, and the claim with it",
        a_claim,
    ),
    "inbox_event_personal_idx": (
        "the story of new contacts",
        lambda c, h: list(story_of_borrower.contact_changes(c, explained(c))),
    ),
    "inbox_event_borrower_idx": (
        "a customer id goes to somebody else, and what was said stays with whom it was about",
        lambda c, h: keep_to_records(c, {513: "former:513:B-513"}),
    ),
    "inbox_event_other_idx": (
        "the same, of whom an event names as its other one",
        lambda c, h: keep_to_records(c, {513: "former:513:B-513"}),
    ),
    "inbox_event_external_id_sender_key": (
        "an event that comes twice is stored once",
        lambda c, h: store_event(
            c, "E-513", "contact_change", {"borrower": "B-513"}, h.now(), sender=LENDER
        ),
    ),
    "inbox_event_loan_unapplied_idx": (
        "news of the loan waits, and the claim with it; the story of events that did nothing",
        claims_and_events_that_did_nothing,
    ),
    "inbox_event_waiting_idx": (
        "events to apply",
        lambda c, h: dispatch_events(h, limit=100),
    ),
    "legal_file_action_id_key": (
        "the legal files of a loan's actions, and one at most of each",
        lambda c, h: list(effects.legal_files(c, explained(c))),
    ),
    "contact_at_idx": ("what was done on a day", the_totals_of_a_day),
    "contact_outcome_reported_at_idx": ("what was reported on a day", the_totals_of_a_day),
    "payment_recorded_at_idx": ("the money of a day", the_totals_of_a_day),
    "payment_reversed_at_idx": ("what bounced on a day", the_totals_of_a_day),
    "promise_made_at_idx": ("the promises of a day", the_totals_of_a_day),
    "promise_event_at_idx": ("what was kept and broken on a day", the_totals_of_a_day),
    "loan_day_loan_id_day_id_idx": ("the state of a loan before", facts_are_reassessed),
    "loan_day_delinquent_since_idx": ("who comes into another bucket today", buckets_change),
    "quality_sample_once": ("a sample is drawn once", None),
    "quality_pick_contact_id_idx": (
        "why a call was drawn",
        lambda c, h: c.execute(text("SELECT * FROM quality_pick WHERE contact_id = 30007")),
    ),
    "quality_review_once_each": ("nobody judges a call twice", None),
    "quality_review_reviewed_at_idx": (
        "the reviews of a day",
        lambda c, h: c.execute(
            text("SELECT * FROM quality_review WHERE reviewed_at > '2026-03-02 00:00+00'")
        ),
    ),
    "daily_total_day_measure_idx": (
        "the totals of a day",
        lambda c, h: c.execute(text("SELECT * FROM daily_total WHERE day = '2026-02-01'")),
    ),
    "loan_delinquent_since_idx": ("a new policy looks at all that is past due", a_policy_comes_in),
    "loan_ladder_since_idx": (
        "the work of people that belongs to the present start of its ladder",
        lambda c, h: read_work(c, h, h.today(), {Kind.CALLS}),
    ),
    "loan_borrower_id_idx": (
        "the loans of a borrower",
        lambda c, h: erasure.erase(c, [7], h.now()),
    ),
    "loan_external_id_key": ("an event names its loan", a_payment_comes_in),
    "loan_review_idx": ("the scan", lambda c, h: scan.scan_portfolio(h, lambda _: None)),
    "message_contact_id_idx": ("texts that certainly were not sent", facts),
    "message_one_live_per_try": (
        "whether a text of an action may have gone out; never two of them",
        lambda c, h: dead_letters._text_went_out(c, PAST_DUE),
    ),
    "message_provider_sid_key": ("a receipt names its text", a_receipt_comes_in),
    "message_on_the_way_idx": (
        "texts without a receipt, to ask the provider about",
        lambda c, h: missing_receipts.take_texts(c, h.now()),
    ),
    "message_unknown_idx": ("texts to reconcile", lambda c, h: reconcile.park_old(h)),
    "outbox_event_dead_idx": (
        "events that were given up",
        lambda c, h: c.execute(text("SELECT * FROM outbox_event WHERE status = 'dead'")),
    ),
    "outbox_event_event_id_key": (
        "a person names an event to send again",
        lambda c, h: c.execute(select(outbox_event).where(outbox_event.c.event_id == uuid4())),
    ),
    "outbox_event_order_idx": (
        "the first event of a loan",
        lambda c, h: outbox.claim_next(c, PAST_DUE + 1, h.now(), LEASE),
    ),
    "outbox_event_waiting_idx": ("events to deliver", events_wake),
    "adjustment_external_id_sender_key": (
        "an adjustment that comes twice counts once",
        lambda c, h: adjustments.adjustment_known_as(c, "A-1", LENDER),
    ),
    "adjustment_loan_id_idx": (
        "what a tape is brought together with",
        lambda c, h: allocations.read_recorded_money(c, [PAST_DUE], date(2026, 1, 1)),
    ),
    "paid_by_tape_loan_id_idx": (
        "a payment that comes after a tape which contains it",
        lambda c, h: paid_by_tape.loans_to_explain(c, [PAST_DUE]),
    ),
    "payment_external_id_sender_key": (
        "a payment that comes twice counts once",
        a_payment_comes_in,
    ),
    "payment_loan_id_idx": (
        "what a tape is brought together with",
        lambda c, h: allocations.read_recorded_money(c, [PAST_DUE], date(2026, 1, 1)),
    ),
    "payment_return_payment_id_kind_external_id_sender_key": (
        "a refund or a reversal in part that comes twice counts once",
        lambda c, h: payments.return_known_as(c, PAST_DUE, ReturnKind.REFUND, "RF-1", LENDER),
    ),
    "problem_loan_id_idx": (
        "the problems of a loan",
        lambda c, h: list(incoming.problems(c, explained(c))),
    ),
    "problem_party_id_idx": (
        "the problems of a party whose facts have changed",
        lambda c, h: problems.resolve_problems_with(c, [7], ("phone_missing",), h.now()),
    ),
    "representative_phone_blind_index_idx": (
        "for whom somebody acts who has a number",
        lambda c, h: contact_points.loans_with_point(c, sha256(bytes(8)).digest()),
    ),
    "representative_wish_once": ("what who acts for others asked for, each once", None),
    "problem_open_idx": ("the list of open problems", a_page_of_problems),
    "inbox_event_rejected_idx": ("the list of events that were rejected", a_page_of_problems),
    "same_person_presumed_idx": ("the list of records to be confirmed", a_page_of_problems),
    "action_stuck_idx": ("the list of actions that fail", a_page_of_problems),
    "problem_once_while_open": ("whether a loan has an open problem, each once", facts),
    "sending_hold_open_once": ("sending is stopped once for each cause", None),
    "recovery_step_recovery_id_step_subject_key": (
        "each step of a recovery is on record once",
        None,
    ),
    "recovered_text_provider_sid_key": ("a text that was found counts once", None),
    "recovered_text_number_blind_index_idx": ("what was sent to a number before a restore", None),
    "replaced_schedule_external_id_sender_key": (
        "a restructuring that comes twice counts once",
        None,
    ),
    "replaced_schedule_loan_id_idx": (
        "the schedules that another one replaced",
        lambda c, h: list(schedules.replaced_schedules(c, explained(c))),
    ),
    "absent_loan_open_idx": ("a loan is absent once at a time", None),
    "absent_loan_loan_id_idx": (
        "when tapes left a loan out",
        lambda c, h: list(schedules.absences(c, explained(c))),
    ),
    "arrangement_review_idx": (
        "arrangements whose day has come",
        lambda c, h: arrangement_review.settle_arrangements(h, limit=5),
    ),
    "arrangement_external_id_sender_key": (
        "an acceptance names its arrangement",
        lambda c, h: arrangements.find_arrangement(c, f"AR-{PAST_DUE}", "staff"),
    ),
    "arrangement_loan_id_idx": (
        "the arrangements that a payment may complete, and its return may open again",
        lambda c, h: arrangements.arrangements_to_review(c, [PAST_DUE]),
    ),
    "arrangement_one_open_per_loan": (
        "the open arrangement of a loan, and one at most",
        lambda c, h: arrangements.open_arrangement(c, PAST_DUE),
    ),
    "promise_judge_on_idx": (
        "promises of which a part must be known by now",
        lambda c, h: promise_judgement.break_overdue_promises(h, limit=5),
    ),
    "promise_external_id_sender_key": (
        "a withdrawal names its promise",
        lambda c, h: loans.lock_loan_of(c, promise, f"PR-{PAST_DUE}", LENDER),
    ),
    "replaced_event_event_id_idx": (
        "what an event said before its corrections",
        lambda c, h: inbox.replaced_contents(c, 7),
    ),
    "arrangement_return_arrangement_id_idx": (
        "the ends of an arrangement that were taken back",
        lambda c, h: list(story_of_arrangements._returns(c, 7, {"arrangement": "AR-7"})),
    ),
    "promise_event_promise_id_idx": (
        "the moves of a promise",
        lambda c, h: list(holds.promises(c, explained(c))),
    ),
    "promise_loan_id_idx": (
        "the promises of a loan",
        lambda c, h: list(holds.promises(c, explained(c))),
    ),
    "promise_one_open_per_loan": ("a loan has one open promise at most", None),
    "receipt_once": (
        "a receipt that comes twice is on record once; the receipts of a text",
        lambda c, h: list(effects.receipts(c, explained(c))),
    ),
    "reply_borrower_id_idx": ("until when is kept", lambda c, h: retention.read_keeping(c, h, [7])),
    "reply_loan_id_idx": (
        "who looked at the replies of a loan",
        lambda c, h: list(audit.accesses(c, explained(c))),
    ),
    "reply_provider_sid_key": ("a text that comes in twice is stored once", a_text_comes_in),
    "reply_unhandled_idx": ("replies to see to", lambda c, h: reply_queue.count_replies(c)),
    "encryption_key_key_id_key": ("a key is on record once", None),
    "staff_external_id_key": ("a reference is one person's", None),
    "machine_name_key": ("a name is one machine's", None),
    "team_external_id_key": ("a team is stored once", None),
    "token_digest_key": ("a command finds who holds its token", None),
    "token_staff_idx": ("the tokens of somebody are revoked", None),
    "token_machine_idx": ("the tokens of a machine are revoked", None),
    "second_person_request_waiting_idx": ("the requests that wait are listed", None),
    "second_person_request_loan_idx": ("who granted what was done to a loan", None),
    "second_person_request_borrower_idx": ("who granted what was done to a borrower", None),
    "tape_change_loan_id_idx": (
        "what tapes told of a loan",
        lambda c, h: list(audit.tapes(c, explained(c), h.settings.lender_zone)),
    ),
    "visit_contact_id_idx": ("visits that were called off do not count", facts),
    "visit_action_id_idx": (
        "the visits of an action, also those that were called off",
        lambda c, h: list(effects.visits(c, explained(c))),
    ),
    "visit_one_live_per_action": ("never two visits at once for one action", None),
    "visit_staff_one_place_at_a_time": (
        "nobody is in two places; when visitors are free",
        lambda c, h: staff.lock_visitors(c, h.now(), h.now() + timedelta(days=5)),
    ),
}
