"""The export for a regulator: the history of one loan, its evidence, and how to verify it."""

import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection, select

from domain.language.render import Sentence
from workers.context import Context
from workers.db.evidence_triggers import set_hash_format
from workers.db.schema import evidence_link, loan
from workers.evidence.hashing import moment_text, texts_of, whole_texts_of
from workers.evidence.heads import read_head
from workers.history import loan_history

HOW_TO_CHECK = """\
story.txt      what was done about the loan, when and why, in sentences
story.zh.txt   the same in Chinese
evidence.jsonl the rows that it rests on, one a line, in the order in which they were chained
head.json      the head that covered all evidence when this was written

Each line of evidence.jsonl has the table ("kind"), the row's key ("row_id"), when the database
recorded it ("recorded_at", UTC), the SHA-256 of the row as it was written ("row_digest"), and the
digest of its link. A row that was changed has a line for each version, and the row itself ("row")
in the last of them only; an empty row_digest says that it was deleted. A digest is SHA-256 over the
32 bytes of the digest before it (32 zero bytes for the first), then these four, a line each, in
UTF-8. A line without a row_digest was written before rows had one: its digest is over the one
before it, the table's name, a line feed, and the row.

    import hashlib, json
    before = bytes(32)
    for line in open("evidence.jsonl", encoding="utf-8"):
        link = json.loads(line)
        row, row_digest = link["row"], link["row_digest"]
        if row_digest is None:
            hashed = f"{link['kind']}\\n{row}"
        else:
            if row is not None:
                assert hashlib.sha256(row.encode()).hexdigest() == row_digest, link
            hashed = f"{link['kind']}\\n{link['row_id']}\\n{link['recorded_at']}\\n{row_digest}"
        before = hashlib.sha256(before + hashed.encode()).digest()
        assert before.hex() == link["digest"], link

Nothing here is personal data but what ids and dates may reveal: names, numbers, addresses and the
words of texts are not in it.
"""


def write_bundle(connection: Connection, ctx: Context, loan_external_id: str, out: Path) -> int:
    """Write the export of a loan to a new file. Returns the number of rows of evidence in it.

    Raises:
        ArrearsError: the loan is not known.
        FileExistsError: the file exists already.
    """
    stories = {
        name: loan_history(connection, ctx, loan_external_id, language=language)
        for name, language in (("story.txt", "en"), ("story.zh.txt", "zh"))
    }
    set_hash_format(connection)
    links = connection.execute(
        select(evidence_link)
        .join(loan, loan.c.id == evidence_link.c.chain)
        .where(loan.c.external_id == loan_external_id)
        .order_by(evidence_link.c.seq)
    ).all()
    newest = {(link.kind, link.row_id): link.id for link in links}
    rows = texts_of(connection, newest)
    first_form = (link for link in links if link.row_digest is None)
    whole_rows = whole_texts_of(connection, ((link.kind, link.row_id) for link in first_form))
    evidence = []
    head = read_head(connection)
    with ZipFile(out, "x", ZIP_DEFLATED) as bundle:
        for name, story in stories.items():
            bundle.writestr(name, "".join(f"{_line(sentence)}\n" for sentence in story))
        for link in links:
            key = (link.kind, link.row_id)
            in_first_form = link.row_digest is None
            now = rows.get(key) if newest[key] == link.id else None
            record = {
                "seq": link.seq,
                "kind": link.kind,
                "row_id": link.row_id,
                "recorded_at": None if in_first_form else moment_text(link.recorded_at),
                "row": whole_rows.get(key) if in_first_form else now,
                "row_digest": None if in_first_form else bytes(link.row_digest).hex(),
                "digest": bytes(link.digest).hex(),
            }
            evidence.append(f"{json.dumps(record, ensure_ascii=False)}\n")
        bundle.writestr("evidence.jsonl", "".join(evidence))
        head_record = (
            {"digest": head.digest, "links": head.links, "at": head.at.isoformat()} if head else {}
        )
        bundle.writestr("head.json", json.dumps(head_record, indent=2) + "\n")
        bundle.writestr("README.txt", HOW_TO_CHECK)
    return len(links)


def _line(sentence: Sentence) -> str:
    return f"{sentence.at:%Y-%m-%d %H:%M}  {sentence.text}" if sentence.at else sentence.text
