"""Every column that can hold words is known: somebody types them, or nobody does."""

import re
from pathlib import Path

from sqlalchemy import ARRAY, JSON, Column, Text
from sqlalchemy.dialects.postgresql import UUID

from workers.db.schema import metadata
from workers.db.schema.base import ReasonsColumn
from workers.privacy.plain_words import COLUMNS, IN_EVIDENCE, REASONS

PRIVACY = Path(__file__).resolve().parents[3] / "docs" / "privacy.md"

NOT_TYPED = {
    "absence": "kind noted_by",
    "access": "what item actor machine",
    "acknowledgement": "proof document actor taken_back_by",
    "action": "step item type ladder_id status rules follows cause",
    "action_event": "from_status to_status rules",
    "adjustment": "external_id sender kind component actor taken_back_by",
    "adjustment_part": "component",
    "allocation": "component",
    "approval": "role actor",
    "arrangement": "external_id sender status asked_by asked_in requested_by kind terms_id quote "
    "quote_digest offered_by offered_as agreed_by accepted_by proof proof_reference ended_by "
    "refusal",
    "borrower": "external_id tape_digests zones locale region",
    "break_glass": "os_user what said",
    "call": "purpose must_learn may_offer language",
    "closed_day": "what",
    "call_plan": "reason",
    "certificate": "kind",
    "collection_case": "closed_because",
    "complaint": "external_id sender kind raised_by actor status rules acknowledged_by clock"
    " handler resolved_by finding letter_template letter_template_version"
    " letter_locale letter_printed_by about_staff",
    "contact": "channel rules rule_packs zones warnings party purpose again_because passed_over "
    "attempt sender actor",
    "contact_outcome": "outcome reason actor recording",
    "contact_point": "kind",
    "contact_point_fact": "kind source source_kind ended_by",
    "daily_run": "task",
    "daily_total": "measure product currency step team",
    "decision": "outcome ladder_id step hold_kind waits_for rule_packs",
    "document": "kind template template_version locale printed_by",
    "duty": "outcome owner staff ended_by",
    "dispute": "external_id sender kind raised_by actor status rules acknowledged_by clock"
    " handler resolved_by finding letter_template letter_template_version"
    " letter_locale letter_printed_by corrected_by",
    "encryption_key": "key_id",
    "erasure": "actor actor_kind rules",
    "evidence_due": "kind",
    "evidence_link": "kind",
    "evidence_set_aside": "kind",
    "hold": "external_id sender kind actor",
    "inbox_event": "sender external_id kind status",
    "legal_file": "currency",
    "legal_file_need": "need met_by",
    "limitation_fact": "fact document actor ended_by taken_back_by",
    "loan": "external_id jurisdiction product currency written_off_by tape_mapping steps_tried",
    "loan_day": "standing bucket step hold",
    "loan_month": "standing bucket step hold",
    "loan_party": "role tape_slot",
    "loan_party_change": "source source_kind",
    "machine": "name scopes created_by revoked_by",
    "matter_change": "field before after actor",
    "message": "provider sender sid status code template template_version locale",
    "must_not_handle": "noted_by",
    "number_alarm": "actor actor_kind",
    "outbox_event": "kind payload status reason",
    "party_check": "actor questions matched",
    "past_write_off": "written_off_by taken_back_by",
    "payment": "external_id sender currency",
    "payment_return": "kind external_id sender actor taken_back_by",
    "permission_use": "actor actor_kind permission",
    "person_fact": "kind channel source source_kind times place locale ended_by",
    "policy_version": "kind id digest",
    "problem": "kind detail actor",
    "promise": "external_id sender actor status terms agreed_by",
    "arrangement_return": "from_status to_status",
    "promise_event": "from_status to_status",
    "quality_pick": "because",
    "quality_review": "sheet reviewer marks failed rules",
    "quality_sample": "team sheet seed drawn_by",
    "receipt": "sid status code",
    "recovered_text": "provider sid",
    "recovery": "started_by finished_by",
    "recovery_step": "step subject status found actor",
    "replaced_event": "status",
    "replaced_schedule": "external_id sender actor schedule_digest",
    "reply": "provider sid kind actor meaning",
    "representative": "kind zones source",
    "representative_wish": "kind channel times place locale source source_kind ended_by",
    "roster_version": "loaded_by members",
    "same_person": "status reason actor",
    "same_person_change": "status reason actor",
    "scan_run": "policy_digest",
    "second_person_request": "permission status asked_by decided_by said loan borrower decided_in",
    "sender_pace": "provider sender",
    "sending_day": "waiting",
    "sending_hold": "scope subject cause found set_by resumed_by",
    "sign_of_life": "name",
    "staff": "external_id roles languages regions stands_in_for skills",
    "tape_import": "file_name mapping status",
    "tape_pending_loan": "external_id",
    "tape_row": "problems",
    "team": "external_id supervisor",
    "token": "created_by revoked_by",
    "visit": "purpose",
    "work_lease": "band why ended_because",
    "work_takeover": "taken_from given_to actor",
}
"""Columns of text or JSON that hold ids, codes, names of files and settings, amounts, moments."""


def named_in_docs() -> set[str]:
    """The columns that the list of docs/privacy.md names."""
    section = PRIVACY.read_text().split("\n## Words that people type\n")[1].split("\n## ")[0]
    rows = (line.split(" | ")[1] for line in section.splitlines() if line.startswith("| "))
    return set(re.findall(r"`(\w+\.\w+)`", "\n".join(rows)))


def holds_words(column: Column[object]) -> bool:
    kind = column.type
    if isinstance(kind, ARRAY):
        kind = kind.item_type
    return isinstance(kind, Text | JSON | ReasonsColumn)


def test_each_column_that_can_hold_words_is_on_the_list_or_known_to_have_none() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.c
        if holds_words(column)
    }
    not_typed = {
        f"{table}.{column}" for table, names in NOT_TYPED.items() for column in names.split()
    }
    ids = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.c
        if column.name.endswith(("why_id", "law_id", "purpose_id"))
        and isinstance(column.type, UUID)
    }
    named = named_in_docs()
    assert columns - not_typed == named - ids, "name a new column in docs/privacy.md or above"
    assert named - columns == ids
    assert not_typed & named == set()


def test_what_an_earlier_release_stored_is_looked_for_wherever_it_may_be() -> None:
    searched = {
        *(f"{column.table.name}.{column.words.name}" for column in COLUMNS),
        *(f"{reasons.table}.{reasons.name}" for reasons, _ in REASONS),
    }
    in_evidence = {table.name for table, _ in IN_EVIDENCE}
    of_their_own = {"inbox_event.payload", "replaced_event.payload", "second_person_request.shown"}
    typed = {name for name in named_in_docs() if not name.endswith("_id")}
    figures = {"arrangement.wish_monthly"}  # what somebody can pay is as personal as words
    assert {name for name in typed if name.split(".")[0] not in in_evidence} == (
        searched - figures | of_their_own
    )
