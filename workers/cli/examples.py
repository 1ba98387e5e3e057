"""Command lines that show how each command is used: they stand below its help."""

from collections.abc import Mapping

from workers.cli.language import say

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "migrate": ("migrate", "migrate --grant-to arrears_worker"),
    "check": ("check",),
    "permissions": ("permissions --of caller", "permissions --machines"),
    "administrator": (
        "administrator first adm-1",
        'administrator break-glass adm-1 --why "the token is lost"',
    ),
    "token": (
        "token new",
        "token enrol s-7 SHA256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "token revoke s-7",
    ),
    "machine": ("machine allow core events:payment events:hold", "machine revoke core"),
    "request": ("request list", "request grant 12"),
    "keys": ("keys new", "keys rotate --dry-run"),
    "roster": ("roster load roster.yaml", "roster list", "roster absent c-3 --until 2026-03-04"),
    "quality": (
        "quality sample --from 2026-03-01 --to 2026-03-31 --sheet calls_cn",
        "quality results --from 2026-03-01 --to 2026-03-31",
        "quality training --days 60",
    ),
    "tape": (
        "tape import book.csv --as-of 2026-03-02 --dry-run",
        "tape import book.csv --as-of 2026-03-02 --keep-good",
        "tape list",
    ),
    "ladder": ("ladder",),
    "rules": ("rules cn", "rules us"),
    "payment": (
        "payment record L-1042 250.00 CNY --id P-88",
        "payment reverse P-88",
        "payment restore L-1042 P-88 --refund RF-3",
    ),
    "adjustment": (
        "adjustment charge L-1042 5.00 CNY --due-on 2026-03-01 --id A-1 --why agreed",
        "adjustment waive L-1042 CNY --amount 12.50 --component fees --id A-2 --why hardship ",
        "adjustment reverse L-1042 A-2",
    ),
    "schedule": (
        'schedule replace L-1042 "2026-04-30 500.00 12.50; 2026-05-31 500.00 6.25" CNY --id RS-1 '
        "--why restructured",
    ),
    "quote": ("quote L-1042 --deferral 30", "quote L-1042 --instalments 6 --language zh"),
    "promise": (
        "promise cancel PR-1 --by-mistake",
        "promise record L-1042 250.00 CNY 2199-01-31 --id PR-2 "
        "--part 100.00:2199-01-15 --part 150.00:2199-01-31",
        "promise limits L-1042",
    ),
    "arrangement": (
        "arrangement request L-1042 --instalments 6 --id AR-1",
        "arrangement offer AR-1",
        "arrangement accept AR-1 --proof recording --reference REC-7781",
    ),
    "write-off": ("write-off L-1042 --why sold",),
    "write-off-end": ("write-off-end L-1042 --why recalled",),
    "hold": (
        "hold place L-1042 manual --id H-1 --why illness",
        "hold release H-1",
    ),
    "duty": ("duty list --owner supervisor", "duty done 17"),
    "dispute": (
        'dispute open L-1042 --id D-1 --why "The amount is wrong."',
        "dispute list",
        "dispute resolve D-1 rejected --finding records_differ",
    ),
    "complaint": (
        'complaint receive L-1042 --id C-1 --kind conduct --about c-7 --why "was shouted at"',
        'complaint correct C-1 --kind privacy --about c-7 --why "the words say so"',
        "complaint resolve C-1 upheld --finding rule_broken",
    ),
    "approval": (
        "approval grant L-1042 legal_file",
        'approval reject L-1042 legal_file --why "Talk to them first."',
    ),
    "opt-out": ("opt-out B-77", "opt-out B-77 --channel call"),
    "person": (
        "person show B-77",
        "person note B-77 inconvenient_time --time sun",
        'person join B-77 B-78 --why "the register"',
    ),
    "party": (
        "party list L-1042",
        "party add L-1042 G-5 --role guarantor",
        "party end L-1042 G-5 --role guarantor",
    ),
    "number": (
        "number list B-77",
        "number order B-77 2 1",
        "number note at_work --borrower B-77 --which 1",
    ),
    "address": ("address list B-77", "address note B-77 reaches_nobody"),
    "validation-notice": ("validation-notice L-1042",),
    "acknowledgement": (
        "acknowledgement L-1042 --proof signed --document D-7",
        "acknowledgement L-1042 --take-back",
    ),
    "limitation-fact": (
        "limitation-fact L-1042 suit --from 2026-03-02 --document D-7",
        "limitation-fact L-1042 suit --from 2026-03-02 --take-back",
    ),
    "worklist": ("worklist", "worklist --kind calls --staff s-7"),
    "letter": (
        "letter received L-1042 --outcome asks_deferral --recording MAIL-0311",
        "letter print L-1042",
        "letter returned L-1042",
    ),
    "call": (
        "call next",
        "call start L-1042",
        "call outcome L-1042 --outcome spoke",
    ),
    "visit": (
        "visit start L-1042",
        "visit outcome L-1042 --outcome spoke",
        "visit cancel L-1042 --why illness",
    ),
    "reply": ("reply read 17", "reply close 17 --means stop"),
    "sending": (
        'sending stop --why "texts name a wrong amount"',
        "sending stop --channel sms --why complaints",
        "sending resume 3",
    ),
    "recover": (
        "recover --dry-run",
        "recover --since '2026-03-02 12:00'",
        "recover --without texts_out:tencent --why 'their list is closed'",
    ),
    "status": ("status",),
    "problems": (
        "problems list",
        "problems list --loan L-1042",
        "problems resolve L-1042 phone_missing --why corrected",
    ),
    "events": ("events show core:evt-1", 'events discard core:evt-1 --why "a test"'),
    "actions": ("actions dead-letters", "actions show 4711", "actions retry 4711"),
    "texts": (
        "texts unconfirmed",
        "texts mark-unsent 3f2b6c1e-0d0a-4a57-9a38-0c4c2f4c8f11",
    ),
    "outbox": ("outbox list --dead", "outbox resend --dead"),
    "explain": ("explain L-1042", "explain L-1042 --language zh"),
    "may-contact": ("may-contact L-1042 sms", "may-contact L-1042 call"),
    "evidence": ("evidence verify", "evidence checkpoint"),
    "data-subject": (
        "data-subject export B-77 --purpose request --out copy.json",
        "data-subject erase B-77 --why request --dry-run",
    ),
    "retention": ("retention report",),
    "worker": ("worker", "worker --queues sms,calls --concurrency 4"),
    "beat": ("beat",),
    "webhook": ("webhook --port 8080",),
    "api": ("api --port 8001",),
    "desk": ("desk --port 8002",),
    "flower": ("flower",),
    "demo": ("demo",),
}
"""By command, what follows `arrears`. They are the same in every language."""


def epilog_of(name: str) -> str | None:
    """The examples of a command as they stand below its help; None if it has none."""
    if not (examples := EXAMPLES.get(name)):
        return None
    # The first line makes the library leave the line breaks as they are.
    return "\n".join(("\b", say("Examples:"), *(f"  arrears {example}" for example in examples)))
