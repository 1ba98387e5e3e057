"""What roles of the database have beyond `workers/db/roles.py`: found by `arrears check`."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from workers.db.roles import Role, rights_of
from workers.db.typed_rows import typed_rows


class MoreThanItsRights(NamedTuple):
    """What a role has that it is not given."""

    role: str
    has: str
    """Such as `DELETE on loan`, `setting search_path` or `BYPASSRLS`."""


class _Right(NamedTuple):
    table: str
    word: str
    columns: list[str] | None
    """None: all of them."""


_OF_ROLES = text("""
SELECT r.rolname::text AS role, h.has FROM pg_roles r
 CROSS JOIN LATERAL (
    SELECT 'setting ' || split_part(setting, '=', 1) AS has
      FROM pg_db_role_setting s, unnest(s.setconfig) setting
     WHERE s.setrole = r.oid
       AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
     UNION ALL
    SELECT 'membership of ' || m.roleid::regrole FROM pg_auth_members m WHERE m.member = r.oid
     UNION ALL
    SELECT 'owner of ' || c.oid::regclass FROM pg_class c
     WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace
     UNION ALL
    SELECT attribute FROM (VALUES
        ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
        ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) a (attribute, has_it)
     WHERE has_it
 ) h
 WHERE r.rolname = ANY(:names)
 ORDER BY 1, 2
""")

_ON_TABLES = text("""
SELECT c.relname::text AS table, x.privilege_type::text AS word, CAST(NULL AS text[]) AS columns
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND x.grantee = CASE :name WHEN 'PUBLIC' THEN 0::oid ELSE to_regrole(quote_ident(:name)) END
 UNION ALL
SELECT c.relname, x.privilege_type, array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
 CROSS JOIN LATERAL aclexplode(a.attacl) x
 WHERE c.relnamespace = 'public'::regnamespace
   AND x.grantee = CASE :name WHEN 'PUBLIC' THEN 0::oid ELSE to_regrole(quote_ident(:name)) END
 GROUP BY 1, 2
 ORDER BY 1, 2
""")


def find_more_than_rights(connection: Connection) -> list[MoreThanItsRights]:
    """What the roles of this database, or everybody, have beyond the table of rights: settings of
    their own, attributes, memberships, tables, and rights to tables and columns."""
    database = str(connection.engine.url.database)
    names = {role.name_in(database): role for role in Role}
    found = typed_rows(MoreThanItsRights, connection.execute(_OF_ROLES, {"names": list(names)}))
    for name, role in (*names.items(), ("PUBLIC", None)):
        rights = typed_rows(_Right, connection.execute(_ON_TABLES, {"name": name}))
        found += (MoreThanItsRights(name, has) for has in _more(rights, role))
    return found


def _more(rights: list[_Right], role: Role | None) -> Iterator[str]:
    for right in rights:
        given = rights_of(role, right.table) if role else {}
        columns = given.get(right.word)
        if columns == "":
            continue  # to the whole table
        allowed = set((columns or "").strip(" ()").replace(",", "").split())
        if right.columns is None:
            yield f"{right.word} on {right.table}"
        elif more := [column for column in right.columns if column not in allowed]:
            yield f"{right.word} on {right.table} ({', '.join(more)})"
