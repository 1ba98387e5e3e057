"""Evidence has the digest of each row as it was written, and every version of rows that change.

What waits for its link and what has one also says when it was recorded, by the clock of the
database. The database itself makes the links. What cannot have one is set aside. Links on record
keep their digests, which are over the whole row.

The triggers that queue a row are made after the last revision, from the declarations.
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0055"

_CHAINS = {
    "decision": ("id", "t.loan_id"),
    "action_event": ("id", "(SELECT a.loan_id FROM action a WHERE a.id = t.action_id)"),
    "contact": ("id", "t.loan_id"),
    "contact_outcome": (
        "contact_id",
        "(SELECT c.loan_id FROM contact c WHERE c.id = t.contact_id)",
    ),
    "receipt": (
        "id",
        "(SELECT a.loan_id FROM message m JOIN action a ON a.id = m.action_id"
        " WHERE m.id = t.message_id)",
    ),
    "access": (
        "id",
        "coalesce(t.loan_id, (SELECT r.loan_id FROM reply r WHERE r.id = t.reply_id))",
    ),
    "erasure": ("id", "NULL::bigint"),
}
"""By table of evidence, its key and the loan that a row `t` belongs to."""

# The digest of a link: SHA-256 over the previous one, then a line each for the table, the key of
# the row, when it was recorded, and the digest of the row. Of a head: over the previous one and
# the digests of its links, in the order of their ids.
_LINK = """
CREATE FUNCTION link_evidence(most integer, now_is timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    entry record;
    kinds text[];
    chain_now bigint;
    seq_now bigint;
    digest_now bytea;
    head bytea;
    head_id bigint;
    taken integer := 0;
    chains bigint[] := '{}';
    seqs integer[] := '{}';
    of_kinds text[] := '{}';
    row_ids bigint[] := '{}';
    row_digests bytea[] := '{}';
    moments timestamptz[] := '{}';
    digests bytea[] := '{}';
BEGIN
    IF NOT pg_try_advisory_xact_lock(1095914053) THEN
        RETURN 0;
    END IF;
    kinds := ARRAY(SELECT c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                    WHERE t.tgname = c.relname || '_is_due'
                      AND c.relnamespace = 'public'::regnamespace);
    FOR entry IN
        -- The first rows are a range of the key, so the rows behind them are not read.
        WITH first AS (SELECT id FROM evidence_due ORDER BY id LIMIT most),
             these AS (DELETE FROM evidence_due WHERE id <= (SELECT max(id) FROM first)
                       RETURNING *)
        SELECT * FROM these ORDER BY coalesce(chain, 0), id
    LOOP
        taken := taken + 1;
        IF chain_now IS DISTINCT FROM entry.chain THEN
            chain_now := entry.chain;
            seq_now := 0;
            digest_now := decode(repeat('00', 32), 'hex');
            SELECT l.seq, l.digest INTO seq_now, digest_now FROM evidence_link l
             WHERE l.chain = chain_now ORDER BY l.seq DESC LIMIT 1;
            IF NOT FOUND THEN
                seq_now := 0;
                digest_now := decode(repeat('00', 32), 'hex');
            END IF;
        END IF;
        IF entry.chain IS NULL OR entry.kind <> ALL (kinds)
           OR coalesce(length(entry.digest) NOT IN (0, 32), true)
           OR NOT coalesce(isfinite(entry.recorded_at), false)
           OR seq_now >= 2147483647
        THEN
            INSERT INTO evidence_set_aside (kind, row_id, chain, digest, recorded_at, set_aside_at)
            VALUES (entry.kind, entry.row_id, entry.chain, entry.digest, entry.recorded_at,
                    clock_timestamp());
            CONTINUE;
        END IF;
        seq_now := seq_now + 1;
        digest_now := sha256(digest_now || convert_to(
            entry.kind || E'\\n' || entry.row_id || E'\\n'
            || to_char(entry.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
            || E'\\n' || encode(entry.digest, 'hex'), 'UTF8'));
        chains := chains || entry.chain;
        seqs := seqs || seq_now::integer;
        of_kinds := of_kinds || entry.kind;
        row_ids := row_ids || entry.row_id;
        row_digests := row_digests || entry.digest;
        moments := moments || entry.recorded_at;
        digests := digests || digest_now;
    END LOOP;
    IF cardinality(digests) = 0 THEN
        RETURN taken;
    END IF;
    SELECT h.digest INTO head FROM evidence_head h ORDER BY h.id DESC LIMIT 1;
    SELECT sha256(coalesce(head, decode(repeat('00', 32), 'hex'))
                  || string_agg(d, ''::bytea ORDER BY n))
      INTO head FROM unnest(digests) WITH ORDINALITY AS u (d, n);
    INSERT INTO evidence_head (at, links, digest, recorded_at)
    VALUES (now_is, cardinality(digests), head, clock_timestamp()) RETURNING id INTO head_id;
    INSERT INTO evidence_link (evidence_head_id, chain, seq, kind, row_id, digest, row_digest,
                               recorded_at)
    SELECT head_id, u.chain, u.seq, u.kind, u.row_id, u.digest, u.row_digest, u.recorded_at
      FROM unnest(chains, seqs, of_kinds, row_ids, digests, row_digests, moments)
           WITH ORDINALITY AS u (chain, seq, kind, row_id, digest, row_digest, recorded_at, n)
     ORDER BY u.n;
    RETURN taken;
END $$
"""


def upgrade() -> None:
    for table in ("evidence_due", "evidence_link"):
        digest = "digest" if table == "evidence_due" else "row_digest"
        op.add_column(table, sa.Column(digest, sa.LargeBinary(), nullable=True))
        op.add_column(table, sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("evidence_due", sa.Column("chain", sa.BigInteger(), nullable=True))
    op.add_column(
        "evidence_head", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.drop_constraint("evidence_link_kind_row_id_key", "evidence_link", type_="unique")
    op.create_index("evidence_link_kind_row_id_idx", "evidence_link", ["kind", "row_id"])
    op.create_table(
        "evidence_set_aside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("evidence_set_aside_pkey")),
    )
    for name, when in (
        ("stays", "UPDATE OR DELETE ON evidence_set_aside FOR EACH ROW"),
        ("stays_whole", "TRUNCATE ON evidence_set_aside FOR EACH STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER evidence_set_aside_{name} BEFORE {when} "
            "EXECUTE FUNCTION refuse_change_of_evidence()"
        )
    op.execute("DROP FUNCTION queue_for_evidence_chain() CASCADE")  # and its triggers
    op.execute(_LINK)
    _complete_what_waits()


def _complete_what_waits() -> None:
    """What waits for its link gets the digest of its row as it is now."""
    op.execute("SET LOCAL timezone = 'UTC'")
    op.execute("SET LOCAL bytea_output = 'hex'")
    for table, (key, chain) in _CHAINS.items():
        op.execute(f"""
            UPDATE evidence_due d
               SET chain = coalesce({chain}, 0), recorded_at = clock_timestamp(),
                   digest = sha256(convert_to(jsonb_strip_nulls(to_jsonb(t))::text, 'UTF8'))
              FROM {table} t WHERE d.kind = '{table}' AND d.row_id = t.{key}
        """)  # noqa: S608 - names of our own tables
