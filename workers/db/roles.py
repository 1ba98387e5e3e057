"""Which role of PostgreSQL may do what with which table. What is not written here is refused.

The owner of the tables only migrates. Each service connects as a role of its own, so that whoever
takes over a service gets no more than that service needs.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DefaultClause, LargeBinary

from workers.db.schema import metadata
from workers.db.schema.base import ReasonsColumn


class Role(StrEnum):
    """A role; in the database it is named for the database, such as `arrears_worker`."""

    WORKER = "worker"
    """Workers and beat."""
    WEBHOOK = "webhook"
    """Stores what comes in, and applies nothing."""
    API = "api"
    """Starts calls for dialers."""
    DESK = "desk"
    """People at work over HTTP: what workers may do, because it applies what they report."""
    REPORTS = "reports"
    """Reads, and no personal data."""
    CLI = "cli"
    """The commands that people type: what workers may do, and what only people decide."""
    BACKUP = "backup"
    """Reads everything, for `pg_dump`. PostgreSQL's own `pg_read_all_data` would read the other
    databases of the server too, and only a superuser can grant it."""

    def name_in(self, database: str) -> str:
        return f"{database}_{self.value}"


WORDS = {"r": "SELECT", "s": "SELECT", "a": "INSERT", "u": "UPDATE", "d": "DELETE"}
"""The letters of the table below."""

_CORRECTED = (
    "payload stops_contact reaches_number reaches_address corrected_at reason completed_at "
    "dispatched_at status"
)
"""What changes of an event that its sender corrects before it is applied."""

_MACHINE_USED = "a(at actor permission granted times)"
"""Without `actor_kind`, whose default is a machine: only the commands are run by people."""

RIGHTS: Mapping[str, tuple[str, str, str, str]] = {
    # worker, webhook, api, reports: `r` read, `s` read what is not personal, `a` add, `u` update,
    # `d` delete; `u(status)` is UPDATE of that column only. `u(id)` lets a row be locked and not
    # be changed: PostgreSQL itself makes the ids.
    "absence": ("rau", "", "r", "s"),
    "absent_loan": ("rau", "", "r", "s"),
    "access": ("ra", "", "ra", "s"),
    "acknowledgement": ("rau", "", "r", "s"),
    "action": ("rau", "", "ru(id)", "s"),
    "action_event": ("ra", "", "ra", "s"),
    "adjustment": ("rau", "", "s", "s"),
    "adjustment_part": ("raud", "", "r", "s"),
    "alembic_version": ("r", "r", "r", "s"),
    "allocation": ("raud", "", "r", "s"),
    "announcement": ("raud", "", "", "s"),
    "approval": ("r", "", "r", "s"),
    "arrangement": ("rau", "", "s", "s"),
    "arrangement_instalment": ("raud", "", "r", "s"),
    "arrangement_return": ("ra", "", "r", "s"),
    "borrower": ("rau", "r(id person_id locale address_point_id)", "ru(id)", "s"),
    "borrower_number": ("raud", "r(borrower_id contact_point_id)", "r", "s"),
    "break_glass": ("ru(why why_id)", "", "", ""),
    "call": ("rau", "", "rau", "s"),
    "call_plan": ("raud", "", "", "s"),
    "certificate": ("r", "", "r", "s"),
    "closed_day": ("ra", "", "", "s"),
    "collection_case": ("rau", "", "r", "s"),
    "collector_day": ("rau", "", "", "s"),
    "complaint": ("rau", "", "s", "s"),
    "contact": ("ra", "", "ra", "s"),
    "contact_outcome": ("ra", "", "r", "s"),
    "contact_point": ("raud", "r(id blind_index)", "ru(id)", "s"),
    "contact_point_fact": ("rau", "", "r", "s"),
    "daily_run": ("rau", "", "", "s"),
    "daily_total": ("ra", "", "", "s"),
    "decision": ("ra", "", "r", "s"),
    "dispute": ("rau", "", "s", "s"),
    "document": ("rau", "", "s", "s"),
    "duty": ("rau", "", "ru", "s"),
    "encryption_key": ("r", "r", "r", ""),
    "erasure": ("ra", "", "", "s"),
    # Functions of the owner write the chain, for whoever calls them or changes a row of evidence.
    "evidence_due": ("r", "s", "s", ""),
    "evidence_head": ("r", "", "", "s"),
    "evidence_link": ("r", "", "", "s"),
    "evidence_set_aside": ("r", "", "", ""),
    "former_number": ("raud", "", "r", ""),
    "free_text": ("raud", "", "", ""),
    "hold": ("rau", "", "s", "s"),
    "hold_of_loan": ("r", "", "r", "s"),
    "hold_release": ("ra", "", "r", "s"),
    "inbox_event": ("raud", f"rau({_CORRECTED})", "r", "s"),
    "instalment": ("raud", "", "r", "s"),
    "legal_file": ("rau", "", "r", "s"),
    "legal_file_line": ("ra", "", "r", "s"),
    "legal_file_need": ("rau", "", "r", "s"),
    "limitation_fact": ("rau", "", "r", "s"),
    "loan": ("rau", "", "ru(id)", "s"),
    "loan_day": ("ra", "", "", "s"),
    "loan_month": ("ra", "", "", "s"),
    "loan_party": ("rau", "", "r", "s"),
    "loan_party_change": ("ra", "", "r", "s"),
    "machine": ("r", "ru(last_used_at)", "ru(last_used_at)", "s"),
    "matter_change": ("ra", "", "", "s"),
    "message": ("rau", "", "s", "s"),
    "must_not_handle": ("rau", "", "r", "s"),
    "number_alarm": ("ra", "", "ra", "s"),
    "outbox_event": ("raud", "", "a", "s"),
    "paid_by_tape": ("rau", "", "r", "s"),
    "party_check": ("ra", "", "ra", "s"),
    "past_write_off": ("rau", "", "s", "s"),
    "payment": ("rau", "", "r", "s"),
    "payment_return": ("rau", "", "r", "s"),
    "permission_use": (f"r{_MACHINE_USED}", f"r(id){_MACHINE_USED}", f"r(id){_MACHINE_USED}", "s"),
    "person": ("rau", "", "ru(id)", "s"),
    "person_fact": ("rau", "r(id borrower_id kind ended_at locale since said_last)", "r", "s"),
    "policy_version": ("ra", "r", "r", "s"),
    "problem": ("rau", "", "s", "s"),
    "promise": ("rau", "", "r", "s"),
    "promise_event": ("ra", "", "r", "s"),
    "promise_part": ("ra", "", "r", "s"),
    "quality_pick": ("r", "", "", "s"),
    "quality_review": ("r", "", "", "s"),
    "quality_sample": ("r", "", "", "s"),
    "receipt": ("ra", "", "r", "s"),
    "recovered_text": ("rau", "", "r", "s"),
    "recovery": ("r", "", "", "s"),
    "recovery_step": ("ru(why why_id)", "", "", "s"),
    "replaced_event": ("rau", "r(id)a", "", ""),
    "replaced_instalment": ("ra", "", "r", "s"),
    "replaced_schedule": ("rau", "", "s", "s"),
    "reply": ("rau", "", "s", "s"),
    "representative": ("rau", "", "r", "s"),
    "representative_wish": ("rau", "", "r", "s"),
    "roster_version": ("r", "", "", "s"),
    "same_person": ("raud", "r(borrower_id other_id status)", "r", "s"),
    "same_person_change": ("rau", "", "s", "s"),
    "scan_run": ("rau", "", "", "s"),
    "second_person_request": ("r", "", "", ""),
    "sender_pace": ("rau", "", "", "s"),
    "sending_day": ("rau", "", "", "s"),
    "sending_hold": ("rau(why)", "r", "ra", "s"),
    "shift": ("r", "", "r", "s"),
    "sign_of_life": ("rau", "rau", "rau", "s"),
    "staff": ("ru(id left_on)", "r(external_id)", "r", "s"),
    "tape_change": ("ra", "", "", "s"),
    "tape_import": ("rau", "", "s", "s"),
    "tape_pending_loan": ("raud", "", "r", ""),
    "tape_row": ("raud", "", "", ""),
    "team": ("r", "", "r", "s"),
    "token": ("r", "", "", ""),
    "visit": ("rau", "", "r", "s"),
    "visit_staff": ("rau", "", "r", "s"),
    "work_lease": ("rau", "", "rau", "s"),
    "work_takeover": ("ra", "", "ra", "s"),
}

DECIDED_BY_PEOPLE: Mapping[str, str] = {
    "absence": "raud",
    "approval": "rau",
    "break_glass": "rau",
    "certificate": "raud",
    "machine": "rau",
    "permission_use": "ra",
    "quality_pick": "ra",
    "quality_review": "ra",
    "quality_sample": "ra",
    "recovery": "rau",
    "recovery_step": "rau",
    "roster_version": "ra",
    "second_person_request": "rau",
    "sending_hold": "rau",
    "shift": "raud",
    "staff": "rau",
    "team": "raud",
    "token": "rau",
}
"""What the role of the commands may do where workers may not: who works here, who may do what, what
was approved, and whether sending goes on. Everywhere else it may do what workers may."""

AT_THE_DESK: Mapping[str, str] = {
    "approval": "rau",
    "machine": "ru(last_used_at)",
    "permission_use": "ra",
    "quality_pick": "ra",
    "quality_review": "ra",
    "quality_sample": "ra",
    "second_person_request": "rau",
    "token": "ru(last_used_at)",
}
"""What the role of the desk may do where workers may not: know who calls, note that they did, keep
what they ask a second person for and approve, and how calls are judged."""

_RIGHT = re.compile(r"([rsaud])(?:\(([a-z_ ]+)\))?")

_HIDDEN = frozenset({"why", "written_off_why", "taken_back_why", "file_name", "zones", "shown"})
"""What a person typed, names of files, and where a borrower lives."""


def is_personal(column: Column[Any]) -> bool:
    """Whether a column may hold personal data: bytes, JSON, and some texts. Reasons are codes
    without any."""
    if isinstance(column.type, ReasonsColumn):
        return False
    return column.name in _HIDDEN or isinstance(column.type, LargeBinary | JSON)


def rights_of(role: Role, table: str) -> dict[str, str]:
    """What a role may do with a table: SQL words such as SELECT, each with its columns in
    brackets, or nothing for all of them."""
    if role is Role.BACKUP:
        return {"SELECT": ""}
    of_roles = RIGHTS.get(table, ("", "", "", ""))
    if role is Role.CLI:
        written = DECIDED_BY_PEOPLE.get(table, of_roles[0])
    elif role is Role.DESK:
        written = AT_THE_DESK.get(table, of_roles[0])
    else:
        written = of_roles[(Role.WORKER, Role.WEBHOOK, Role.API, Role.REPORTS).index(role)]
    return {
        WORDS[letter]: _in_brackets(columns.split() or _all_that(letter, table))
        for letter, columns in _RIGHT.findall(written)
    }


def _all_that(letter: str, table: str) -> list[str]:
    """The columns that a letter without columns is about; none if it is about all of them.

    No role writes a moment that the database itself sets by its clock.
    """
    if table not in metadata.tables or letter in "rd":
        return []
    columns = metadata.tables[table].columns
    left_out = is_personal if letter == "s" else is_set_by_database
    some = [column.name for column in columns if not left_out(column)]
    return [] if len(some) == len(columns) else some


def is_set_by_database(column: Column[Any]) -> bool:
    """Whether the database sets the column by its own clock."""
    default = column.server_default
    return isinstance(default, DefaultClause) and "clock_timestamp" in str(default.arg)


def _in_brackets(columns: list[str]) -> str:
    return f" ({', '.join(columns)})" if columns else ""
