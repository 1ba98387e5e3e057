"""One module decrypts; who asks it to is on a short list, and so is all that is sealed."""

import ast
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary

from workers.db.schema import borrower, metadata
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES
from workers.privacy.subject_export import NOT_ABOUT_A_PERSON

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(
    path for package in ("domain", "config", "workers") for path in (ROOT / package).rglob("*.py")
)

MAY_OPEN = {
    "workers/db/numbers.py",
    "workers/db/parties.py",  # the name of who acts for a person, to see whether it is told again
    # To act: what they open goes to a provider or into a letter, and is on record as a contact.
    "workers/sms/send.py",  # the number to text
    "workers/sms/rate_limit.py",  # the number, for the region that the route goes by
    "workers/sms/missing_receipts.py",  # the number, to ask what became of a text
    "workers/sms/reconcile.py",  # number and text, to find it on a provider's list
    "workers/visits/schedule.py",  # the name, for the letter
    "workers/hardship/default_notices.py",  # likewise
    # a new number, for its zone and its digest; also of a party, and of who acts for a person
    "workers/borrowers/contact_details.py",
    "workers/borrowers/inbound_texts.py",  # the words of a text, which the machine reads
    # what the answers of somebody on the phone are compared with: none of it is shown, and each
    # check is on record
    "workers/db/party_checks.py",
    # For people: each look is put on record.
    "workers/visits/letters.py",
    "workers/hardship/answer_letters.py",
    "workers/attempts/attempts.py",
    "workers/borrowers/reply_queue.py",
    "workers/staff/call_sheet.py",
    "workers/visits/start.py",  # the name, for who goes there
    "workers/db/free_text.py",  # what people typed, for who may read the row that it belongs to
    "workers/db/unread_texts.py",  # the words of a text that was not applied, to encrypt them anew
    "workers/tapes/rebind.py",  # what belongs to a record, to encrypt it for the id it has now
    # For nobody: whether the keys fit, and whether each value opens in its place.
    "workers/db/encryption_keys.py",
    "workers/privacy/encrypted_columns.py",  # and to export it, which is put on record
}

SHOWN_TO_PEOPLE = (
    "workers/visits/letters.py",
    "workers/hardship/answer_letters.py",
    "workers/borrowers/reply_queue.py",
    "workers/privacy/subject_requests.py",
    "workers/staff/call_sheet.py",
    "workers/visits/start.py",
)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(module: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def opens(module: ast.Module) -> bool:
    """Whether anything is decrypted by a cipher, whatever name the cipher has there."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("decrypt", "unseal", "reencrypt")
        and ast.unparse(node.value).split(".")[-1].endswith("cipher")
        for node in ast.walk(module)
    )


def test_only_the_cipher_knows_how_to_decrypt() -> None:
    cipher = {
        name(path)
        for path in SOURCES
        if any(import_.split(".")[0] == "cryptography" for import_ in imports(tree(path)))
    }
    assert cipher == {"workers/db/encryption.py"}


def test_who_decrypts_is_on_the_list() -> None:
    assert {name(path) for path in SOURCES if opens(tree(path))} == MAY_OPEN


@pytest.mark.parametrize("module", SHOWN_TO_PEOPLE)
def test_what_is_shown_to_people_is_put_on_record(module: str) -> None:
    assert "workers.db.access_log" in imports(tree(ROOT / module))


def test_every_encrypted_column_is_encrypted_anew_when_keys_change() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.c
        if column.name.endswith("_encrypted")
    }
    places = {
        f"{place.name}.{column.name}" for place in ENCRYPTED_TABLES for column in place.columns
    }
    # The key of the digests is kept under each key apart, and so never sealed anew.
    assert sealed - {"encryption_key.index_key_encrypted"} == places - {"inbox_event.payload"}


def test_what_is_binary_is_encrypted_or_a_blind_index() -> None:
    binary = {
        column.name
        for table in metadata.tables.values()
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert {
        name for name in binary if not name.endswith(("_encrypted", "digest", "blind_index"))
    } == set()


def test_every_table_belongs_to_a_borrower_or_is_known_to_be_about_nobody() -> None:
    """What is handed to a person follows the references between tables: none may lead nowhere."""
    # Events name the borrower in their payload; a number is found by its keyed hash.
    theirs = {borrower.name, "inbox_event", "contact_point"}
    for table in metadata.sorted_tables:
        if {key.column.table.name for key in table.foreign_keys} & theirs:
            theirs.add(table.name)
    assert theirs | NOT_ABOUT_A_PERSON == set(metadata.tables)
