"""Every command is run where the locale is Chinese, and none answers with an English sentence."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from domain.reasons import ReasonCode, because
from tests.support.commands import arrears, granted
from tests.support.environment import an_environment
from tests.support.events import store, tell
from tests.support.loans import Book
from tests.workers.cli.test_commands import TAPE
from workers.access.secrets import digest_of, fingerprint_of
from workers.cli.main import COMMANDS, _built
from workers.db.problems import note_problem
from workers.db.schema import loan
from workers.visits.schedule import schedule_visit

WHY = ("--why", "电话中告知")
LATIN = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,},? [A-Za-z]{2,}")
"""Three words in a row: a sentence, and not an id, a code or the name of a file."""
QUOTED = re.compile(
    r"`[^`]*`|“[^”]*”|(?m:^ *arrears [a-z].*$)|arrears person confirm \S+ \S+|(?s:来源：.*?\.\n)"
    r"|（No such file or directory）|(?m:^.* INFO .*$)|(?m:^(?:sending was|without a token,) .*$)"
)
"""Commands, what a lender's file and the operating system say, and the log."""
CITATIONS = re.compile(r"(?m:^ {6}.*；自[0-9-]+起.*$)|(?:China Banking|Civil Code|SPC) [^（）]*")
"""Where a rule stands: the names of laws are not translated."""
RUNS_ON = {"api", "desk", "worker", "beat", "webhook", "flower", "demo"}
"""Commands that run until they are stopped."""
COMMANDS_RUN: list[str] = [
    *("migrate", "check", "ladder", "rules us", "rules cn", "keys rotate --dry-run"),
    *("roster load {folder}/roster.yaml", "roster list", "permissions", "request list"),
    *("roster absent c-1", "roster back c-1", "roster hand-on c-1"),
    "quality sample --from 2026-02-01 --to 2026-02-28 --sheet calls_cn",
    "quality record A-404 --sheet calls_us --mark confirms_party=pass --mark respects_wishes=pass "
    "--mark asks_adviser=pass --mark voicemail=pass --mark takes_up_dispute=pass",
    "quality record A-404 --sheet calls_us --mark confirms_party=good",
    *("quality results --from 2026-02-01 --to 2026-02-28", "quality training --days 3000"),
    *("sending stop --channel sms --why 演练", "sending list", "sending resume 1"),
    *("recover", "recover --since '2026-03-02 12:00' --dry-run", "recover --without rest"),
    *("recover --since '2026-03-02 12:00'", "recover --without journal {why}"),
    "recover --without nothing {why}",
    *(
        "keys verify",
        "keys webhook",
        "request grant 404",
        "request refuse 404",
        "token new",
        "token new",
        "token list",
    ),
    *("token enrol s-1 SHA256:x", "token enrol nobody {fingerprint}", "token revoke nobody"),
    *("token enrol s-1 {fingerprint} --days 30", "token enrol s-1 {fingerprint} --days 3"),
    *("token enrol core {fingerprint} --machine", "token enrol core {fingerprint}"),
    *("machine allow core events:payment", "machine list"),
    *("machine revoke core", "machine revoke nobody", "administrator first adm-1"),
    *("administrator first adm-2", "administrator break-glass adm-1 {why}"),
    *("administrator break-glass nobody {why}", "administrator stand-in 404 {why}"),
    "tape import {folder}/tape.csv --as-of 2026-03-02 --keep-good",
    "tape import {folder}/tape.csv --as-of 2026-03-02 --dry-run",
    "tape import {folder}/none.csv --as-of 2026-03-02",
    "tape list",
    "tape absent",
    "tape propose-mapping {folder}/tape.csv",
    "tape propose-mapping {folder}/tape.csv --out {folder}/mapping.txt",
    "tape abandon 4711",
    "problems list",
    "problems list --limit 1 --kind loans",
    "problems list --after elsewhere:1",
    "problems list --borrower B-404",
    "worklist --limit 1 --loan L-404",
    "problems resolve L-1 phone_missing {why} --dry-run",
    "problems resolve L-1 phone_missing {why}",
    "problems resolve L-1 phone_missing {why}",
    *("status", "worklist", "worklist --kind files", "worklist --kind files --staff s-1"),
    "payment record L-1 10.00 CNY --id P-1",
    "payment record L-1 ten CNY --id P-2",
    "payment record L-404 10.00 CNY --id P-3",
    "payment reverse P-1",
    "payment restore L-1 P-1",
    "payment refund P-1 1.00 --id RF-1",
    "payment restore L-1 P-1 --refund RF-1",
    "payment restore L-1 P-1 --refund RF-1 --reversal R-1",
    "payment restore L-1 P-1 --id-sender core",
    "payment reverse P-1 --amount 1.00",
    "write-off-end L-1 {why}",
    "adjustment charge L-1 5.00 CNY --due-on 2026-03-01 --id A-1 {why}",
    "adjustment charge L-1 5.00 CNY --due-on 2026-03-01 --id A-1 {why}",
    "adjustment waive L-1 CNY --amount 9000 --component fees --id A-2 {why}",
    "adjustment leave-out L-1 --instalment 2026-03-02 --id A-3 {why}",
    "adjustment accelerate L-1 --due-on 2026-03-01 --id A-4 {why}",
    "adjustment reverse L-1 A-1",
    "adjustment reverse L-1 A-404",
    "schedule replace L-1 '2026-01-31 500.00 12.50' CNY --id RS-1 {why}",
    "schedule replace L-1 2026-01-31 CNY --id RS-2 {why}",
    "arrangement list",
    "arrangement request L-1 --instalments 2 --id AR-1 --asked-in 录音1",
    "arrangement request L-1 --instalments 2 --id AR-2",
    "arrangement offer AR-1 --deferral 20",
    "arrangement offer AR-404",
    "arrangement accept AR-1 --proof recording --reference 录音1",
    "arrangement show AR-1",
    "arrangement list",
    "arrangement decline AR-1 --reason not_eligible --why 无收入",
    "arrangement withdraw AR-1",
    "promise record L-1 10.00 CNY 2199-01-01 --id PR-1",
    "promise list L-1",
    "promise limits L-1",
    "promise cancel PR-1",
    "promise cancel PR-1 --by-mistake",
    "hold place L-1 manual --id H-1 {why}",
    "hold release H-1",
    "dispute open L-1 --id D-1 {why}",
    "dispute list",
    "dispute show D-1",
    "dispute acknowledge D-1",
    "dispute take D-1",
    "dispute letter D-1",
    "dispute correct D-1 --kind fraud {why}",
    "dispute extend D-1 {why}",
    "dispute resolve D-1 upheld --finding records_differ",
    "dispute resolve D-1 rejected --finding records_differ",
    "dispute letter D-1",
    "complaint receive L-1 --id C-1 --kind conduct {why}",
    "complaint receive L-1 --id C-1 --kind conduct {why}",
    "complaint list",
    "duty list",
    "duty done 1",
    "duty done 404",
    "complaint show C-1",
    "complaint show C-404",
    "complaint acknowledge C-1",
    "complaint take C-1",
    "complaint correct C-1 --kind fees {why}",
    "complaint correct C-1 --kind conduct {why}",
    "complaint correct C-1 --kind conduct --about-nobody {why}",
    "complaint extend C-1 {why}",
    "complaint resolve C-1 rejected --finding rules_kept",
    "complaint letter C-1",
    "approval grant L-2 legal_file",
    "approval reject L-2 legal_file --why 不同意",
    "person show B-L-1",
    "person note B-L-1 inconvenient_time --time sun",
    "person note B-L-1 inconvenient_place --place number --number 2",
    "person note B-L-1 inconvenient_time",
    "person represent B-L-1 attorney --name 示例",
    "person end B-L-1 represented",
    "person join B-L-1 B-L-2 {why}",
    "person confirm B-L-1 B-L-3 {why}",
    "person show B-L-1",
    "person part B-L-1 B-L-2 {why}",
    "person show B-404",
    "number list B-L-1",
    "number add B-L-1 --phone +8613800138009",
    "number order B-L-1 2 1 3",
    "number remove B-L-1 3",
    "number remove B-L-1 9",
    "number note at_work --borrower B-L-1 --which 1",
    "number end at_work --borrower B-L-1 --which 1",
    "number note at_work",
    "number list B-L-1",
    "address list B-L-1",
    "address note B-L-1 reaches_nobody",
    "address list B-L-1",
    "address end B-L-1 reaches_nobody",
    "party add L-1 G-1 --role guarantor --name 示例",
    "party add L-1 G-404 --role guarantor",
    "party list L-1",
    "party end L-1 G-1 --role guarantor",
    "validation-notice L-1",
    "acknowledgement L-1",
    "limitation-fact L-1 suit",
    "limitation-fact L-1 suit --take-back",
    "limitation-fact L-1 suit --take-back",
    "limitation-fact L-1 force_majeure --take-back",
    "acknowledgement L-1 --take-back",
    "letter print L-1",
    "letter returned L-1",
    "letter received L-1 --outcome wrote",
    "call next",
    "call start L-1",
    "call outcome L-1 --outcome spoke",
    "call inbound L-1 --outcome spoke",
    "call locate L-1 --number +8613800138077",
    "visit start L-1",
    "visit outcome L-1 --outcome spoke",
    "visit cancel L-1 {why}",
    "reply read 404",
    "reply close 404 --means stop",
    "events show payment:P-3",
    "events discard payment:P-3 {why}",
    "actions dead-letters",
    "actions show {action}",
    "actions retry {action}",
    "actions discard {action}",
    "texts unconfirmed",
    "texts mark-sent 00000000-0000-0000-0000-000000000000",
    "texts mark-unsent 00000000-0000-0000-0000-000000000000",
    "texts abandon 00000000-0000-0000-0000-000000000000",
    *("outbox list", "outbox resend --dead", "outbox resend"),
    *(
        "explain L-1",
        "quote L-1 --deferral 30",
        "quote L-1 --instalments 6 --json",
        "quote L-1",
        "quote L-404 --until 2026-09-01",
        "explain L-404",
        "may-contact L-1 call",
        "may-contact L-1 call --party guarantor",
    ),
    *("evidence checkpoint", "evidence verify", "evidence export L-1 --out {folder}/e.zip"),
    "opt-out B-L-1",
    "data-subject export B-L-1 --purpose 查询 --out {folder}/x.json",
    "data-subject erase B-L-1 {why} --dry-run",
    "retention report",
    "write-off L-1 {why}",
    "keys new",
]
ROSTER = """\
staff:
  - id: c-1
    roles: [caller]
    languages: [zh-Hans]
    daily_capacity: 10
    trained_on: 2026-01-01
    zone: Asia/Shanghai
    shifts: {mon-fri: "09:00-18:00"}
"""


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    """L-1 has a visit, a problem and two numbers; L-2 is a legal file that waits for approval."""
    book = Book(engine, now="2026-03-31 10:00")
    book.staff("s-1", "caller", "visitor", "supervisor")
    book.staff("v-2", "visitor")
    book.loan("L-1", due_on="2026-03-01", more_phones=["+8613800138001"])
    book.loan("L-2", due_on="2026-01-01", steps_tried=("remind", "enquire", "visit"))
    book.loan("L-3", due_on="2026-03-01", borrower_id="B-L-3")
    book.escalate("L-1", "L-2")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    with book.ctx.engine.begin() as connection:
        missing = because(ReasonCode.PHONE_MISSING)
        note_problem(connection, book.loan_id("L-1"), "phone_missing", missing, book.clock.at)
        known = {"annual_rate_percent": 12, "disbursed_on": "2025-03-01"}
        connection.execute(update(loan).values(known))
    tell(book, "loan_party", loan="L-1", borrower="B-L-3", role="co_borrower", actor="s-1")
    store(book, "opt_out", borrower="B-404", channel=None, actor="s-1")
    (tmp_path / "tape.csv").write_text(TAPE + "L-9,,,1,,zh,,,CN,x,CNY,2026-03-01 1.00,0,\n")
    (tmp_path / "roster.yaml").write_text(ROSTER)
    return book


def leaves() -> Iterator[str]:
    """Each command by its full name."""
    for name in COMMANDS:
        verbs = getattr(_built(name), "commands", None)
        yield from (name,) if verbs is None else (f"{name} {verb}" for verb in verbs)


def test_every_command_is_among_those_that_are_run() -> None:
    left = {name for name in leaves() if name not in RUNS_ON}
    assert {name for name in left if not any(run.startswith(name) for run in COMMANDS_RUN)} == set()


def test_no_command_answers_with_an_english_sentence(
    database_url: str, broker_url: str, book: Book, tmp_path: Path
) -> None:
    environment = {
        **an_environment(database_url, broker_url),
        "LANG": "zh_CN.UTF-8",
        "PYTHONIOENCODING": "utf-8",
    }
    values = {
        "folder": str(tmp_path),
        "why": " ".join(WHY),
        "fingerprint": fingerprint_of(digest_of("a secret")),
        "action": book.action_id("L-2", "legal_file"),
    }
    english: list[tuple[str, str]] = []
    for command in COMMANDS_RUN:
        words = shlex.split(command.format(**values))
        done = arrears(environment, *words, by="s-1")
        if "request grant" in done.stderr:
            done = granted(environment, *words, by="s-1")
        said = f"{done.stdout}\n{done.stderr}".replace(str(tmp_path), "")
        assert said.strip() or command.startswith(("reply", "visit start")), command
        own = CITATIONS.sub("", QUOTED.sub("", said))
        english += [(command, line) for line in own.splitlines() if LATIN.search(line)]
    assert not english, "\n".join(map(str, english))
