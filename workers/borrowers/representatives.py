"""Who acts for a person: an attorney, a debt adviser, a guardian, an executor."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.actors import Actor
from domain.compliance.fact_reach import ReachingFact
from domain.events import RejectedError
from domain.parties import RepresentativeKind
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.borrowers.contact_details import read_encrypted, with_zone_of
from workers.borrowers.opt_outs import one_debt
from workers.context import Context
from workers.db.parties import has_later_representative, has_representative, set_representative
from workers.db.person_facts import FactDetails, note_person_fact
from workers.db.persons import is_erased, lock_known_borrower, lock_loans_of_person
from workers.escalation.reassess import reassess
from workers.gate.problems import resolve_gate_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRepresentative:
    """Who acts for a person, as it was reported."""

    borrower: str
    """The lender's id of the person's record."""
    kind: RepresentativeKind
    actor: str
    loan: str | None = None
    """The only loan that it is about; None: all of them."""
    contacted: bool = True
    """Whether they may be contacted instead of the person, where a rule says so; else nobody is."""
    name_encrypted: str | None = None
    """Encrypted, then base64, like the two below."""
    phone_encrypted: str | None = None
    address_encrypted: str | None = None
    digest: str | None = None
    """The keyed hash of these."""
    zones: tuple[str, ...] = ()
    """IANA; empty: those of the person."""
    received_at: datetime | None = None
    """When the report came in, which may be long before it is applied; None: now."""


def record_representative(connection: Connection, ctx: Context, new: NewRepresentative) -> Reasons:
    """Record that somebody acts for a person, and who, in the caller's transaction.

    It is the fact `represented` with details, and ends with that fact. Who acted before for the
    same debts does so no longer. Who was recorded by a later report stays, whichever is applied
    first.

    Raises:
        NotYetError: the borrower, or the loan, is not known.
        RejectedError: what was held about the borrower was erased, the loan is somebody else's, or
            the number is not in use.
    """
    now, actor = ctx.now(), Actor(new.actor)
    record = lock_known_borrower(connection, new.borrower, "representative")
    if is_erased(connection, record):
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=new.borrower)
    loans = lock_loans_of_person(connection, record.id)
    debt = None
    if new.loan is not None:
        reaching = ReachingFact.REPRESENTED
        debt = one_debt(connection, ctx, new.loan, reaching, "representative", loans)
    represented, details = PersonFact.REPRESENTED, FactDetails(loan_id=debt)
    columns = _columns(ctx, new)
    since = new.received_at or now
    if has_later_representative(connection, record.id, debt, since):
        return because(
            ReasonCode.PERSON_FACT_OUTDATED, borrower=new.borrower, person_fact=represented
        )
    is_new = note_person_fact(connection, record.id, represented, actor, since, details)
    if not is_new and has_representative(connection, ctx.cipher, record.id, debt, columns):
        return because(
            ReasonCode.REPRESENTATIVE_KNOWN, borrower=new.borrower, representative=new.kind
        )
    set_representative(connection, ctx.cipher, record.id, debt, columns, actor, since)
    resolve_gate_problems(connection, [record.id], {PersonFact.REPRESENTED}, now)
    reassess(connection, ctx, loans, now)
    return because(
        ReasonCode.REPRESENTATIVE_RECORDED, borrower=new.borrower, representative=new.kind
    )


def _columns(ctx: Context, new: NewRepresentative) -> dict[str, Any]:
    """The columns of a representative; those to be encrypted as plain text."""
    payload = asdict(new)
    personal = {
        name: read_encrypted(ctx.cipher, name, payload)
        for name in ("name_encrypted", "phone_encrypted", "address_encrypted")
    }
    number, zones = personal["phone_encrypted"], new.zones
    if number:
        zones = with_zone_of(number, zones)
    return {
        "kind": new.kind,
        "contacted": new.contacted,
        **personal,
        "phone_blind_index": ctx.cipher.blind_index(number) if number else None,
        "zones": list(zones),
    }
