"""Which policy this database has worked by: a version, once used, must never change its words."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.errors import ArrearsError
from workers.house import House
from workers.store.schema import policy_version


def register_policy(house: House) -> None:
    """Put the loaded documents on record.

    Raises:
        ArrearsError: a document differs from the one recorded under the same id and version.
    """
    with house.engine.begin() as connection:
        for document in house.policy.documents:
            key = {"kind": document.kind, "id": document.id, "version": document.version}
            connection.execute(
                insert(policy_version)
                .values(**key, digest=document.digest, first_seen_at=house.now())
                .on_conflict_do_nothing()
            )
            recorded = connection.execute(
                select(policy_version.c.digest).filter_by(**key)
            ).scalar_one()
            if recorded != document.digest:
                raise ArrearsError(
                    f"The {document.kind.replace('_', ' ')} {document.id} v{document.version} was "
                    "changed after it was first used. Put it back, and make the change as "
                    f"version {document.version + 1} in a file of its own."
                )
