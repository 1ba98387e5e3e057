"""All data about a person, to be handed to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    exists,
    func,
    or_,
    select,
    true,
    union_all,
)

from domain.events import Named
from workers.db.encryption import Cipher
from workers.db.inbox import PAYLOAD_DIGEST_KEY, payload_value
from workers.db.persons import may_mean_record
from workers.db.schema import (
    action,
    arrangement,
    borrower,
    borrower_number,
    contact,
    contact_point,
    document,
    inbox_event,
    loan,
    loan_party,
    metadata,
    replaced_event,
    reply,
    same_person,
    same_person_change,
    tape_row,
)
from workers.db.unread_texts import unread_texts_of
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES, decrypted_payload

ENCRYPTED = "_encrypted"

NOT_ABOUT_A_PERSON = frozenset(
    {
        *("announcement", "daily_run", "policy_version", "scan_run", "encryption_key"),
        # who works here, and what they were allowed
        *("machine", "token", "permission_use", "second_person_request", "break_glass"),
        *("roster_version", "sending_hold", "sending_day", "sign_of_life", "number_alarm"),
        *("person", "sender_pace", "shift", "staff", "tape_import", "tape_pending_loan"),
        *("absence", "certificate", "collector_day", "team"),
        *("recovery", "recovery_step"),
        *("closed_day", "daily_total", "quality_sample"),
        # which rows, and their digests
        *("evidence_due", "evidence_head", "evidence_link", "evidence_set_aside"),
    }
)
"""Tables of which no row belongs to a borrower."""

OWNERS = (borrower, contact)
"""If a row refers to a row of these tables, it belongs to that person; the first table counts. Only
otherwise its loan decides, which may have had another borrower before."""

OF_BOTH = frozenset({arrangement})
"""What one person said of a loan, and what belongs to its borrower all the same."""

KEYED_HASHES = frozenset(
    {borrower.c.tape_digests, tape_row.c.digest, tape_row.c.customers, tape_row.c.persons}
)
"""Besides the binary columns."""

_ENCRYPTED = {encrypted.table: encrypted for encrypted in ENCRYPTED_TABLES}

SubjectData = dict[str, list[dict[str, Any]]]


def read_subject_data(connection: Connection, cipher: Cipher, borrower_id: int) -> SubjectData:
    """Every row that belongs to a borrower, by table, with its encrypted values decrypted.

    The foreign keys decide which rows belong to whom, so a new table is included automatically.
    Keyed hashes are left out: the values that they are made of are in the same row.

    Raises:
        ArrearsError: none of the keys decrypts a value.
    """
    found: SubjectData = {}
    ids: dict[Table, list[Any]] = {}
    for table in metadata.sorted_tables:
        encrypted = _ENCRYPTED.get(table)
        keys = [key for key in encrypted.keys if not isinstance(key, Column)] if encrypted else []
        rows = connection.execute(_rows(table, ids, borrower_id).add_columns(*keys)).all()
        if "id" in table.c:
            ids[table] = [row.id for row in rows]
        if rows:
            found[table.name] = [_decrypted(table, row, cipher) for row in rows]
    texts = [text.id for text in unread_texts_of(connection, ids[borrower])]
    events = connection.execute(_events(ids, texts)).all()
    if events:
        found[inbox_event.name] = [_decrypted(inbox_event, row, cipher) for row in events]
    of_events = replaced_event.c.event_id.in_([event.id for event in events])
    corrected = select(replaced_event).where(of_events).order_by(replaced_event.c.id)
    if replaced := connection.execute(corrected).all():
        found[replaced_event.name] = [row._asdict() for row in replaced]
    return found


def _rows(table: Table, ids: Mapping[Table, list[Any]], borrower_id: int) -> Any:
    if table is borrower:
        return select(table).where(table.c.id == borrower_id)
    if table is contact_point:
        numbers = select(borrower_number.c.contact_point_id).where(
            borrower_number.c.borrower_id == borrower_id
        )
        address = select(borrower.c.address_point_id).where(borrower.c.id == borrower_id)
        return select(table).where(table.c.id.in_(union_all(numbers, address)))
    if table in (same_person, same_person_change):
        return select(table).where(
            or_(table.c.borrower_id == borrower_id, table.c.other_id == borrower_id)
        )
    if table is action:  # what is for a party is the party's
        own = table.c.loan_id.in_(ids[loan]) & table.c.party_id.is_(None)
        for_them = table.c.party_id.in_(ids[loan_party])
        return select(table).where(or_(own, for_them)).order_by(table.c.id)
    if table is document:
        arranged = select(arrangement.c.id).where(arrangement.c.loan_id.in_(ids[loan]))
        either = or_(table.c.action_id.in_(ids[action]), table.c.arrangement_id.in_(arranged))
        return select(table).where(either).order_by(table.c.id)
    references = {
        key.column.table: key.parent
        for key in table.foreign_keys
        if key.column.table.name not in NOT_ABOUT_A_PERSON
        # A row of one call about several loans belongs to whom its own loan belongs.
        and key.column.table is not table
        # A text belongs to whom it was about, and not to everybody with that number.
        and (key.column.table, table) != (contact_point, reply)
    }
    owners = [] if table in OF_BOTH else [owner for owner in OWNERS if owner in references]
    always = [owner for owner in owners if not references[owner].nullable]
    of_theirs: list[ColumnElement[bool]] = []
    if always:
        of_theirs.append(references[always[0]].in_(ids[always[0]]))
    else:
        # A row names its owner, or else the next one.
        unless: ColumnElement[bool] = true()
        for owner in owners:
            of_theirs.append(unless & references[owner].in_(ids[owner]))
            unless &= references[owner].is_(None)
        rest = [target for target in references if target not in owners]
        of_theirs += [unless & references[target].in_(ids[target]) for target in rest]
    return select(table).where(or_(False, *of_theirs)).order_by(*table.primary_key.columns)


def _events(ids: Mapping[Table, list[Any]], texts: Sequence[int]) -> Any:
    """Events name the borrower, or a loan, by the lender's own id. `texts` are those of texts from
    the borrower that are not applied yet, which name a number only.

    One that names both is about whom it names: a guarantor of the loan is somebody else.
    """
    by_loan = payload_value(inbox_event, Named.LOAN) == loan.c.external_id
    names_nobody = func.coalesce(payload_value(inbox_event, Named.BORROWER), "") == ""
    named = (
        exists().where(by_loan, names_nobody, loan.c.id.in_(ids[loan])),
        *(
            exists().where(
                may_mean_record(borrower, payload_value(inbox_event, name)),
                borrower.c.id.in_(ids[borrower]),
            )
            for name in (Named.BORROWER, Named.OTHER)
        ),
    )
    is_theirs = or_(*named, inbox_event.c.id.in_(texts))
    return select(inbox_event).where(is_theirs).order_by(inbox_event.c.id)


def _decrypted(table: Table, row: Row[Any], cipher: Cipher) -> dict[str, Any]:
    encrypted = _ENCRYPTED.get(table)
    values: dict[str, Any] = {}
    for column in table.c:
        value = row._mapping[column.name]
        if column is inbox_event.c.payload:
            values[column.name] = _decrypted_payload(value, cipher)
        elif encrypted and column in encrypted.places:
            decrypted = encrypted.decrypt(cipher, row, column)
            values[column.name.removesuffix(ENCRYPTED)] = decrypted
        elif not isinstance(column.type, LargeBinary) and column not in KEYED_HASHES:
            values[column.name] = value
    return values


def _decrypted_payload(payload: Mapping[str, Any], cipher: Cipher) -> dict[str, Any]:
    hashes = {PAYLOAD_DIGEST_KEY, Named.NUMBER, Named.NUMBERS}
    return {
        name.removesuffix(ENCRYPTED): value
        for name, value in decrypted_payload(cipher, payload).items()
        if name not in hashes
    }
