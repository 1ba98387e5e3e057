"""The chain of evidence: it shows every change and every removal of a recorded row.

Each table is either in `EVIDENCE`, with what is hashed of its rows, or in `NOT_CHAINED`, with the
reason. A new column of a table of evidence must be null in existing rows: the chain has the digest
of each row as it was written, and null columns are not part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from workers.db.schema.base import identity, metadata, moment, refers_to

NO_LOAN = "NULL::bigint"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the rows of a table are chained."""

    loan: str = NO_LOAN
    """In SQL, the id of the loan that a row `t` belongs to."""
    key: str = "id"
    """Its primary key, or the part of it that names the row of which these rows are parts."""
    append_only: bool = False
    """Triggers refuse to change or remove its rows. Otherwise each version of a row has a link."""
    in_parts: bool = False
    """All rows with the same key are one entry: a link has the digest of all of them."""
    only: tuple[str, ...] = ()
    """The columns that are hashed, besides the key; empty: all of them …"""
    not_hashed: Mapping[str, str] = field(default_factory=dict)
    """… except these, each with the reason."""


_ERASABLE = "personal data, which an erasure empties"
FREE_TEXT = "what a person typed; an erasure may empty it"
_IN_STEP = "kept in step with other rows, which are chained"
_BY_TAPES = "which tape contains it: each tape may set it and empty it"
_LAST_USE = "when it was used last: each use of a permission is in the chain"
_LOOKED_AT = "when it is looked at again"
_QUEUE = "whose work it is at the moment"

_OF_LOAN = "t.loan_id"
_OF_ACTION = "(SELECT a.loan_id FROM action a WHERE a.id = t.action_id)"


def _of(parent: str) -> str:
    return f"(SELECT x.loan_id FROM {parent} x WHERE x.id = t.{parent}_id)"  # noqa: S608


EVIDENCE: dict[str, Evidence] = {
    # What was decided and done.
    "decision": Evidence(_OF_LOAN, append_only=True),
    "action_event": Evidence(_OF_ACTION, append_only=True),
    "contact": Evidence(_OF_LOAN, append_only=True),
    "contact_outcome": Evidence(_of("contact"), "contact_id", append_only=True),
    "party_check": Evidence(_of("contact"), append_only=True),
    "work_takeover": Evidence(_of("work_lease"), append_only=True),
    "duty": Evidence(_OF_LOAN),
    "receipt": Evidence(
        "(SELECT a.loan_id FROM message m JOIN action a ON a.id = m.action_id"
        " WHERE m.id = t.message_id)",
        append_only=True,
    ),
    "access": Evidence(f"coalesce(t.loan_id, {_of('reply')})", append_only=True),
    "erasure": Evidence(append_only=True),
    "approval": Evidence(_OF_ACTION, "action_id"),  # given anew, if it is planned anew
    "document": Evidence(_OF_LOAN, not_hashed={"body_encrypted": _ERASABLE}),
    "legal_file": Evidence(_OF_LOAN),
    "legal_file_line": Evidence(_of("legal_file"), "legal_file_id", in_parts=True),
    "legal_file_need": Evidence(_of("legal_file"), "legal_file_id", in_parts=True),
    "problem": Evidence(_OF_LOAN, not_hashed={"why": FREE_TEXT}),
    # Money.
    "payment": Evidence(
        _OF_LOAN,
        not_hashed={"unallocated": _IN_STEP, "returned": _IN_STEP, "in_tape_as_of": _BY_TAPES},
    ),
    "payment_return": Evidence(
        _of("payment"), not_hashed={"undone": _IN_STEP, "in_tape_as_of": _BY_TAPES}
    ),
    "adjustment": Evidence(_OF_LOAN, not_hashed={"why": FREE_TEXT, "in_tape_as_of": _BY_TAPES}),
    "adjustment_part": Evidence(_of("adjustment"), "adjustment_id", in_parts=True),
    "replaced_schedule": Evidence(_OF_LOAN, not_hashed={"why": FREE_TEXT}),
    "replaced_instalment": Evidence(
        _of("replaced_schedule"), "replaced_schedule_id", in_parts=True
    ),
    "loan": Evidence(
        "t.id",
        only=(
            "borrower_id",
            *("written_off_on", "written_off_at", "written_off_by", "written_off_why_id"),
            "validation_notice_on",
        ),
    ),
    "borrower_number": Evidence(only=("borrower_id", "contact_point_id")),
    "past_write_off": Evidence(
        _OF_LOAN,
        "loan_id",
        in_parts=True,
        not_hashed={"written_off_why": FREE_TEXT, "taken_back_why": FREE_TEXT},
    ),
    "acknowledgement": Evidence(_OF_LOAN),
    "limitation_fact": Evidence(_OF_LOAN),
    # Holds and promises.
    "hold": Evidence(_OF_LOAN, not_hashed={"why": FREE_TEXT}),
    "hold_release": Evidence(_of("hold"), append_only=True),
    "arrangement": Evidence(_OF_LOAN, not_hashed={"review_on": _LOOKED_AT}),
    "arrangement_instalment": Evidence(_of("arrangement"), "arrangement_id", in_parts=True),
    "arrangement_return": Evidence(_of("arrangement"), append_only=True),
    "promise": Evidence(
        _OF_LOAN, not_hashed={"judge_on": "follows from its parts, its terms and the payments"}
    ),
    "promise_part": Evidence(_of("promise"), "promise_id", append_only=True, in_parts=True),
    "promise_event": Evidence(_of("promise"), append_only=True),
    "absent_loan": Evidence(_OF_LOAN),
    "dispute": Evidence(_OF_LOAN, not_hashed={"letter_encrypted": _ERASABLE}),
    "complaint": Evidence(_OF_LOAN, not_hashed={"letter_encrypted": _ERASABLE}),
    "matter_change": Evidence(f"coalesce({_of('dispute')}, {_of('complaint')})", append_only=True),
    # What persons said, and what is true of them and of their numbers.
    "person_fact": Evidence(_OF_LOAN),
    "contact_point_fact": Evidence(),
    "representative": Evidence(
        not_hashed=dict.fromkeys(
            (
                "name_encrypted",
                "phone_encrypted",
                "phone_blind_index",
                "address_encrypted",
                "zones",
            ),
            _ERASABLE,
        )
    ),
    "representative_wish": Evidence(),
    "reply": Evidence(
        _OF_LOAN,
        not_hashed={
            "body_encrypted": _ERASABLE,
            "contact_point_id": _ERASABLE,
            "staff_id": _QUEUE,
            "assigned_at": _QUEUE,
        },
    ),
    "loan_party": Evidence(
        _OF_LOAN, not_hashed={"tape_slot": "in which columns the newest tape has them"}
    ),
    "loan_party_change": Evidence(_of("loan_party"), append_only=True),
    "same_person_change": Evidence(not_hashed={"why": FREE_TEXT}),
    # Who works here, and what came in.
    "staff": Evidence(),
    "shift": Evidence(key="staff_id", in_parts=True),
    "team": Evidence(),
    "certificate": Evidence(key="staff_id", in_parts=True),
    "absence": Evidence(),
    "must_not_handle": Evidence(),
    "tape_import": Evidence(),
    # Who may do what, and who was allowed to.
    "machine": Evidence(not_hashed={"last_used_at": _LAST_USE}),
    "token": Evidence(not_hashed={"last_used_at": _LAST_USE}),
    "roster_version": Evidence(append_only=True),
    "permission_use": Evidence(append_only=True),
    "number_alarm": Evidence(append_only=True),
    "second_person_request": Evidence(),
    "sending_hold": Evidence(not_hashed={"why": FREE_TEXT}),
    "recovery": Evidence(),
    "recovery_step": Evidence(not_hashed={"why": FREE_TEXT}),
    "recovered_text": Evidence(),
    "break_glass": Evidence(not_hashed={"why": FREE_TEXT}),
}
"""The tables whose rows are in the chain."""

_FROM_TAPES = "what the lender's tapes say; a decision has what was past due when it was made"
_PERSONAL = "who somebody is and how they are reached: encrypted, and emptied by an erasure"
_WORK = "work that is planned or assigned; what was done about it is in the chain"
_BOOKKEEPING = "bookkeeping of the workers, which says nothing of a loan or a person"
_OPINION = "what supervisors think of a call; the call and what came of it are in the chain"
_HISTORY = "numbers for reports; the decisions and the contacts that they count are in the chain"

NOT_CHAINED: dict[str, str] = {
    "instalment": _FROM_TAPES,
    "tape_change": _FROM_TAPES,
    "paid_by_tape": _FROM_TAPES,
    "tape_row": _FROM_TAPES,
    "tape_pending_loan": _FROM_TAPES,
    "allocation": "follows from the payment, the schedule and the order of the components",
    "free_text": "encrypted, and deleted by an erasure; the ids that refer to it are in the chain",
    "borrower": _PERSONAL,
    "former_number": "follows from the numbers that records had: each of these is in the chain",
    "contact_point": _PERSONAL,
    "person": "only that there is one; why records are one person is in `same_person_change`",
    "same_person": "how it stands now; each decision about it is in `same_person_change`",
    "action": "its decision and every move of its status are in the chain",
    "collection_case": "follows from the decisions",
    "loan_day": _HISTORY,
    "loan_month": _HISTORY,
    "daily_total": _HISTORY,
    "closed_day": _HISTORY,
    "quality_sample": _OPINION,
    "quality_pick": _OPINION,
    "quality_review": _OPINION,
    "message": "its contact, its receipts and the moves of its action are in the chain",
    "call": _WORK,
    "call_plan": _WORK,
    "collector_day": "how many calls somebody was given on a day: counted, to keep to the limit",
    "visit": _WORK,
    "visit_staff": _WORK,
    "work_lease": "whose work it was for some minutes; a takeover is in the chain",
    "inbox_event": "pruned, and corrected by its sender; what came of it is in the chain",
    "replaced_event": "goes with its event",
    "outbox_event": "pruned after a while; it repeats what is in the chain",
    "policy_version": "digests of files of the lender; a decision has the versions that it used",
    "encryption_key": "keys, which are replaced and removed",
    "sender_pace": _BOOKKEEPING,
    "sending_day": _BOOKKEEPING,
    "scan_run": _BOOKKEEPING,
    "sign_of_life": _BOOKKEEPING,
    "daily_run": _BOOKKEEPING,
    "announcement": _BOOKKEEPING,
    "evidence_due": "what waits for its link",
    "evidence_link": "the chain itself",
    "evidence_head": "the chain itself",
    "evidence_set_aside": "what could not be chained",
}
"""The other tables, each with the reason why its rows are not in the chain."""

# Rows of evidence without a link yet; triggers insert them in the transaction of the row, as its
# owner, and no worker can. Nothing is required here: a row at fault is set aside.
evidence_due = Table(
    "evidence_due",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),  # the table
    Column("row_id", BigInteger, nullable=False),
    Column("chain", BigInteger),  # the loan's id; 0: of no loan
    Column("digest", LargeBinary),  # SHA-256 of the row as it was written; empty: it was deleted
    moment("recorded_at", nullable=True),  # by the clock of the database
)

# Append only: what was queued for a link and cannot have one.
evidence_set_aside = Table(
    "evidence_set_aside",
    metadata,
    identity(),
    Column("kind", Text, nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("chain", BigInteger),
    Column("digest", LargeBinary),
    moment("recorded_at", nullable=True),
    moment("set_aside_at"),
)

# Append only: each head covers all links up to it, of all loans.
evidence_head = Table(
    "evidence_head",
    metadata,
    identity(),
    moment("at"),
    Column("links", Integer, nullable=False),  # how many links it added
    Column("digest", LargeBinary, nullable=False),
    moment("recorded_at", nullable=True),  # by the clock of the database
)

# Append only: one link for each version of a row; its digest includes the previous digest.
evidence_link = Table(
    "evidence_link",
    metadata,
    identity(),
    refers_to("evidence_head"),
    Column("chain", BigInteger, nullable=False),  # the loan's id; 0: of no loan
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # As in evidence_due; null in links of a version that did not record it.
    Column("row_digest", LargeBinary),
    moment("recorded_at", nullable=True),
    UniqueConstraint("chain", "seq"),
    Index(None, "kind", "row_id"),
    Index(None, "evidence_head_id"),
)
