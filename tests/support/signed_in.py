"""Somebody who is signed in: on the roster, in whatever role a test gives them, with a token."""

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from domain.actors import Role
from domain.permissions import NEED_TRAINING
from workers.access.secrets import NAMES_FILE, digest_of

WHOEVER = "c-1"
"""Whoever runs a command where a test does not say who."""
_FOLDER = TemporaryDirectory()
"""Of the tokens of this process, and gone with it."""
ALL_ROLES = tuple(role for role in Role if role not in NEED_TRAINING)

_STAFF = text("""
INSERT INTO staff (external_id, roles, daily_capacity, stands_in_for, stands_in_until)
VALUES (:reference, '{}', 0, :roles, '9999-12-31')
ON CONFLICT (external_id) DO UPDATE
   SET stands_in_for = excluded.stands_in_for, stands_in_until = excluded.stands_in_until
 WHERE staff.stands_in_until IS NULL
""")
_TOKEN = text("""
INSERT INTO token (staff_id, digest, created_at, created_by, expires_at)
SELECT id, :digest, '2000-01-01Z', 'administrator-1', '9999-12-30Z' FROM staff
 WHERE external_id = :reference
ON CONFLICT (digest) DO NOTHING
""")


@cache
def _engine(url: str) -> Engine:
    """One connection, which is tried before it is used: it is cut off with those of the test."""
    return create_engine(url, pool_size=1, pool_pre_ping=True)


def sign_in(connection: Connection, reference: str, *roles: Role) -> Path:
    """The token file of a member of staff; who is not on the roster gets there.

    They have the roles besides those of the roster; without any, all roles but those of whoever
    contacts borrowers.
    """
    path, secret = _file_of(reference)
    row = {"reference": reference, "roles": list(roles or ALL_ROLES)}
    connection.execute(_STAFF, row)
    connection.execute(_TOKEN, {"reference": reference, "digest": digest_of(secret)})
    return path


def signed_in(
    environment: Mapping[str, str], reference: str = WHOEVER, *roles: Role
) -> dict[str, str]:
    """The environment of a member of staff who is signed in; a token of the environment stays."""
    if NAMES_FILE in environment:
        return dict(environment)
    url = environment.get("DATABASE_URL", "")
    if url.startswith("postgresql"):
        engine = _engine(url)
        # Without a database, or with an older one, nobody is signed in, nor asked who they are.
        with suppress(DBAPIError), engine.begin() as connection:
            sign_in(connection, reference, *roles)
    return {**environment, NAMES_FILE: str(_file_of(reference)[0])}


@cache
def _file_of(reference: str) -> tuple[Path, str]:
    path, secret = Path(mkdtemp(dir=_FOLDER.name)) / "token", f"arrears_of_{reference}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(secret)
    return path, secret
