"""The export for a regulator: the history of one loan, its evidence, and how to verify it."""

import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import Connection, select

from domain.language.render import Sentence
from workers.context import Context
from workers.db.schema import evidence_link, loan
from workers.evidence.hashing import rows_of, set_hash_format
from workers.evidence.verify import read_head
from workers.history import loan_history

HOW_TO_CHECK = """\
story.txt      what was done about the loan, when and why, in sentences
story.zh.txt   the same in Chinese
evidence.jsonl the rows that it rests on, one a line, in the order in which they were chained
head.json      the head that covered all evidence when this was written

Each line of evidence.jsonl has the table ("kind"), the row as it was hashed ("row"), and the digest
of its link. A digest is SHA-256 over the 32 bytes of the digest before it (32 zero bytes for the
first), the table's name, a line feed, and the row, in UTF-8:

    import hashlib, json
    before = bytes(32)
    for line in open("evidence.jsonl", encoding="utf-8"):
        link = json.loads(line)
        before = hashlib.sha256(before + f"{link['kind']}\\n{link['row']}".encode()).digest()
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
    rows = rows_of(connection, ((link.kind, link.row_id) for link in links))
    texts = {key: row.text for key, row in rows.items()}
    evidence = []
    head = read_head(connection)
    with ZipFile(out, "x", ZIP_DEFLATED) as bundle:
        for name, story in stories.items():
            bundle.writestr(name, "".join(f"{_line(sentence)}\n" for sentence in story))
        for link in links:
            record = {
                "seq": link.seq,
                "kind": link.kind,
                "row": texts.get((link.kind, link.row_id)),
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
