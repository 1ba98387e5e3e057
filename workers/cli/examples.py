"""Command lines that show how each command is used: they stand below its help."""

from collections.abc import Mapping

from workers.cli.language import say

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "migrate": ("migrate", "migrate --grant-to arrears_worker"),
    "check": ("check",),
    "keys": ("keys new", "keys rotate --dry-run"),
    "roster": ("roster load roster.yaml", "roster list"),
    "tape": (
        "tape import book.csv --as-of 2026-03-02 --dry-run",
        "tape import book.csv --as-of 2026-03-02 --keep-good",
        "tape list",
    ),
    "ladder": ("ladder",),
    "rules": ("rules cn", "rules us"),
    "payment": (
        "payment record L-1042 250.00 CNY --id P-88 --by s-7",
        "payment reverse P-88 --by s-7",
        "payment restore L-1042 P-88 --refund RF-3 --by s-7",
    ),
    "adjustment": (
        "adjustment charge L-1042 5.00 CNY --due-on 2026-03-01 --id A-1 --why agreed --by s-7",
        "adjustment waive L-1042 CNY --amount 12.50 --component fees --id A-2 --why hardship "
        "--by s-7",
        "adjustment reverse L-1042 A-2 --by s-7",
    ),
    "schedule": (
        'schedule replace L-1042 "2026-04-30 500.00 12.50; 2026-05-31 500.00 6.25" CNY --id RS-1 '
        "--why restructured --by sup-1",
    ),
    "promise": (
        "promise record L-1042 250.00 CNY 2199-01-31 --id PR-1 --by s-7",
        "promise cancel PR-1 --by s-7",
        "promise cancel PR-1 --by-mistake --by s-7",
    ),
    "write-off": ("write-off L-1042 --why sold --by s-7",),
    "write-off-end": ("write-off-end L-1042 --why recalled --by s-7",),
    "hold": (
        "hold place L-1042 manual --id H-1 --why illness --by s-7",
        "hold release H-1 --by s-7",
    ),
    "dispute": (
        'dispute open L-1042 --id D-1 --why "The amount is wrong." --by s-7',
        "dispute close D-1 --by s-7",
    ),
    "approval": (
        "approval grant L-1042 legal_file --by sup-1",
        'approval reject L-1042 legal_file --why "Talk to them first." --by sup-1',
    ),
    "opt-out": ("opt-out B-77 --by s-7", "opt-out B-77 --channel call --by s-7"),
    "person": (
        "person show B-77",
        "person note B-77 inconvenient_time --time sun --by s-7",
        'person join B-77 B-78 --why "the register" --by s-7',
    ),
    "party": (
        "party list L-1042",
        "party add L-1042 G-5 --role guarantor --by s-7",
        "party end L-1042 G-5 --role guarantor --by s-7",
    ),
    "number": (
        "number list B-77",
        "number order B-77 2 1 --by s-7",
        "number note at_work --borrower B-77 --which 1 --by s-7",
    ),
    "address": ("address list B-77", "address note B-77 reaches_nobody --by s-7"),
    "validation-notice": ("validation-notice L-1042 --by s-7",),
    "acknowledgement": (
        "acknowledgement L-1042 --proof signed --document D-7 --by s-7",
        "acknowledgement L-1042 --take-back --by s-7",
    ),
    "limitation-fact": (
        "limitation-fact L-1042 suit --from 2026-03-02 --document D-7 --by s-7",
        "limitation-fact L-1042 suit --from 2026-03-02 --take-back --by s-7",
    ),
    "worklist": ("worklist", "worklist --kind calls --staff s-7"),
    "letter": ("letter print L-1042 --by s-7", "letter returned L-1042 --by s-7"),
    "call": (
        "call start L-1042 --by s-7",
        "call outcome L-1042 --outcome spoke --by s-7",
        "call inbound L-1042 --outcome spoke --by s-7",
    ),
    "visit": (
        "visit start L-1042 --by v-1",
        "visit outcome L-1042 --outcome spoke --by v-1",
        "visit cancel L-1042 --why illness --by sup-1",
    ),
    "reply": ("reply read 17 --by s-7", "reply close 17 --means stop --by s-7"),
    "status": ("status",),
    "problems": (
        "problems list",
        "problems list --loan L-1042",
        "problems resolve L-1042 phone_missing --why corrected --by s-7",
    ),
    "events": ("events show core:evt-1", 'events discard core:evt-1 --why "a test" --by s-7'),
    "actions": ("actions dead-letters", "actions show 4711", "actions retry 4711 --by s-7"),
    "texts": (
        "texts unconfirmed",
        "texts mark-unsent 3f2b6c1e-0d0a-4a57-9a38-0c4c2f4c8f11 --by s-7",
    ),
    "outbox": ("outbox list --dead", "outbox resend --dead"),
    "explain": ("explain L-1042", "explain L-1042 --language zh"),
    "may-contact": ("may-contact L-1042 sms", "may-contact L-1042 call"),
    "evidence": ("evidence verify", "evidence checkpoint"),
    "data-subject": (
        "data-subject export B-77 --purpose request --out copy.json --by sup-1",
        "data-subject erase B-77 --why request --by sup-1 --dry-run",
    ),
    "retention": ("retention report",),
    "worker": ("worker", "worker --queues sms,calls --concurrency 4"),
    "beat": ("beat",),
    "webhook": ("webhook --port 8080",),
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
