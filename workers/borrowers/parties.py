"""Parties of a loan that somebody reports: co-borrowers and guarantors."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from config.readers.formats import LOCALE
from domain.actors import Actor
from domain.compliance.vocabulary import Party
from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.borrowers.contact_details import read_encrypted, with_zone_of
from workers.context import Context
from workers.db.encryption import Cipher
from workers.db.loans import lock_named_loan, not_known_yet
from workers.db.numbers import address_index, address_point, set_numbers
from workers.db.parties import end_party, has_other_role, loans_of, set_party
from workers.db.persons import (
    LockedBorrower,
    insert_person,
    is_given_to_another,
    lock_known_borrower,
    lock_loans,
    record_named,
)
from workers.db.places import place_of_address, place_of_name
from workers.db.presumed_links import (
    join_renumbered_parties,
    join_same_identity,
    lock_namesakes_of_party,
    lock_new_numbers,
    name_digest,
)
from workers.db.schema import borrower, loan
from workers.escalation.reassess import reassess


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParty:
    """Somebody who is party to a loan, as it was reported."""

    loan: str
    borrower: str
    """The lender's id of the party's own record."""
    role: Party
    actor: str
    name_encrypted: str | None = None
    """Encrypted, then base64, like the two below. With a name, a record is made if the id is not
    known. A known record keeps its own details."""
    phone_encrypted: str | None = None
    address_encrypted: str | None = None
    digest: str | None = None
    """The keyed hash of these."""
    zones: tuple[str, ...] = ()
    locale: str | None = None


def record_party(connection: Connection, ctx: Context, new: NewParty) -> Reasons:
    """Make somebody party to a loan, in the caller's transaction.

    The party is a record and a person like any borrower: what protects that person is asked when
    the party is contacted, and reaches over to the other parties where a law says so. Who has the
    name of somebody who is party to the loan no longer is presumed to be that person.

    Raises:
        NotYetError: the loan is not known; or the party's record, and no name is given; or it
            brings a number while a tape is imported.
        RejectedError: the record stands for the borrower of the loan, or for somebody who is party
            to it in another role, or was erased; or name and details are those of somebody else.
    """
    now, actor = ctx.now(), Actor(new.actor)
    names = {"loan": new.loan, "borrower": new.borrower, "party": new.role}
    made = None
    if new.name_encrypted is not None and record_named(connection, new.borrower) is None:
        made = _make_record(connection, ctx, new, now)
    lock_namesakes_of_party(connection, new.borrower, new.loan)
    if made is not None:
        join_same_identity(connection, [made], now)
    record = lock_known_borrower(connection, new.borrower, "loan_party")
    if record.erased_at is not None:
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=new.borrower)
    if made is None and _means_another(connection, ctx.cipher, record.id, new):
        raise RejectedError(ReasonCode.PARTY_IS_SOMEBODY_ELSE, **names)
    owed = lock_named_loan(connection, new.loan, "loan_party")
    if _is_borrower(connection, record, owed.id):
        raise RejectedError(ReasonCode.PARTY_IS_BORROWER, **names)
    if has_other_role(connection, owed.id, record.person_id, new.role):
        raise RejectedError(ReasonCode.PARTY_HAS_ROLE, **names)
    begun = set_party(connection, owed.id, record.id, new.role, actor, now)
    if begun is None:
        return because(ReasonCode.PARTY_KNOWN, **names)
    joined = join_renumbered_parties(connection, [begun], now)
    _reassess(connection, ctx, owed.id, joined, now)
    return because(ReasonCode.PARTY_RECORDED, **names)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyEnd:
    """Somebody who is party to a loan no longer."""

    loan: str
    borrower: str
    role: Party
    actor: str


def end_party_of_loan(connection: Connection, ctx: Context, ended: PartyEnd) -> Reasons:
    """Record that somebody is no longer party to a loan, in the caller's transaction.

    What waits for that party is cancelled at the next review, or when a worker claims it.

    Raises:
        NotYetError: the loan or the record is not known.
    """
    now = ctx.now()
    names = {"loan": ended.loan, "borrower": ended.borrower, "party": ended.role}
    lock_namesakes_of_party(connection, ended.borrower, ended.loan)
    record = lock_known_borrower(connection, ended.borrower, "loan_party_end")
    owed = lock_named_loan(connection, ended.loan, "loan_party_end")
    left = end_party(connection, owed.id, record.id, ended.role, Actor(ended.actor), now)
    if left is None:
        return because(ReasonCode.PARTY_NOT_KNOWN, **names)
    joined = join_renumbered_parties(connection, [left], now)
    _reassess(connection, ctx, owed.id, joined, now)
    return because(ReasonCode.PARTY_ENDS, **names)


def _reassess(
    connection: Connection, ctx: Context, loan_id: int, joined: frozenset[int], now: datetime
) -> None:
    """Review the locked loan, and all loans of whoever became one person with another record."""
    loans = [loan_id]
    if joined:
        loans = lock_loans(
            connection, loan.c.id.in_(loans_of(list(joined))) | (loan.c.id == loan_id)
        )
    reassess(connection, ctx, loans, now)


def _is_borrower(connection: Connection, record: LockedBorrower, loan_id: int) -> bool:
    of_loan = select(borrower.c.person_id).join(loan).where(loan.c.id == loan_id)
    return bool(connection.execute(of_loan).scalar_one() == record.person_id)


def _means_another(connection: Connection, cipher: Cipher, record: int, new: NewParty) -> bool:
    """Whether an event names a known record, and says of it what is true of somebody else."""
    if not new.name_encrypted:
        return False
    name, number, address = _personal_data(cipher, new)
    return is_given_to_another(
        connection,
        record,
        name=name_digest(cipher, name) if name else None,
        number=cipher.blind_index(number) if number else None,
        address=address_index(cipher, address) if address else None,
    )


def _make_record(connection: Connection, ctx: Context, new: NewParty, now: datetime) -> int | None:
    """Make the record of a party whom the lender's systems did not bring in before. Its id; None if
    somebody else made it meanwhile."""
    cipher = ctx.cipher
    name, number, address = _personal_data(cipher, new)
    of_loan = select(borrower.c.locale).join(loan).where(loan.c.external_id == new.loan)
    locale_of_loan: str | None = connection.execute(of_loan).scalar()
    if locale_of_loan is None:
        raise not_known_yet(new.loan, "loan_party")
    locale = new.locale or locale_of_loan
    if not LOCALE.fullmatch(locale):
        raise RejectedError(ReasonCode.LOCALE_UNREADABLE, locale=locale)
    if not ctx.templates.has_locale(locale):
        written = sorted(ctx.templates.locales())
        raise RejectedError(ReasonCode.LOCALE_WITHOUT_TEMPLATES, locale=locale, known=written)
    if number:
        lock_new_numbers(connection, [cipher.blind_index(number)])
    made: int | None = connection.execute(
        upsert(borrower)
        .values(
            person_id=insert_person(connection, now),
            external_id=new.borrower,
            name_encrypted=name and cipher.encrypt(name, place_of_name(new.borrower)),
            name_digest=name_digest(cipher, name) if name else None,
            address_encrypted=address and cipher.encrypt(address, place_of_address(new.borrower)),
            address_point_id=address and address_point(connection, cipher, address),
            zones=list(with_zone_of(number, new.zones) if number else new.zones),
            locale=locale,
            updated_at=now,
        )
        .on_conflict_do_nothing()
        .returning(borrower.c.id)
    ).scalar()
    if made is not None:
        set_numbers(connection, cipher, made, new.borrower, [(number, None)] if number else [])
    return made


def _personal_data(cipher: Cipher, new: NewParty) -> tuple[str | None, str | None, str | None]:
    """Name, number and address, decrypted."""
    payload = asdict(new)
    return (
        read_encrypted(cipher, "name_encrypted", payload),
        read_encrypted(cipher, "phone_encrypted", payload),
        read_encrypted(cipher, "address_encrypted", payload),
    )
