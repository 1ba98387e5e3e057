"""One line of every command that asks for a permission: the help's example, or one written here."""

import shlex
from collections.abc import Mapping

from workers.cli.examples import EXAMPLES
from workers.cli.main import COMMANDS, _built

NOT_IN_THE_HELP: Mapping[str, str] = {
    "roster back": "c-3",
    "roster hand-on": "c-3",
    "token list": "",
    "machine list": "",
    "request refuse": "12",
    "quality record": "A-12 --sheet calls_cn --mark says_who=pass",
    "tape absent": "",
    "tape abandon": "3",
    "payment refund": "P-88 1.00 --id RF-3",
    "promise list": "L-1042",
    "arrangement decline": "AR-1 --reason not_eligible --why 'no income'",
    "arrangement withdraw": "AR-1",
    "arrangement show": "AR-1",
    "arrangement list": "",
    "adjustment leave-out": "L-1042 --instalment 2026-03-01 --id A-1 --why agreed",
    "adjustment accelerate": "L-1042 --due-on 2026-03-01 --id A-1 --why agreed",
    "dispute show": "D-1",
    "dispute acknowledge": "D-1",
    "dispute take": "D-1",
    "dispute letter": "D-1",
    "dispute correct": "D-1 --kind amount --why 'read again'",
    "dispute extend": "D-1 --why 'the bank has not answered'",
    "complaint list": "",
    "complaint show": "C-1",
    "duty list": "",
    "duty done": "1",
    "complaint acknowledge": "C-1",
    "complaint take": "C-1",
    "complaint letter": "C-1",
    "complaint extend": "C-1 --why 'the bank has not answered'",
    "person represent": "B-77 attorney",
    "person end": "B-77 inconvenient_time",
    "person confirm": "B-77 B-78 --why 'the register'",
    "person part": "B-77 B-78 --why 'the register'",
    "number end": "at_work --borrower B-77 --which 1",
    "number add": "B-77 --phone +8613800138000",
    "number remove": "B-77 1",
    "address end": "B-77 reaches_nobody",
    "call inbound": "L-1042 --outcome spoke",
    "call locate": "L-1042 --number +8613800138000",
    "actions discard": "4711",
    "texts mark-sent": "3f2b6c1e-0d0a-4a57-9a38-0c4c2f4c8f11",
    "texts abandon": "3f2b6c1e-0d0a-4a57-9a38-0c4c2f4c8f11",
    "evidence export": "L-1042 --out new.zip",
}
"""What follows a command of which the help shows no example: it shows three of a noun at most."""


def every_command() -> set[str]:
    """Every command, as `noun verb` or alone."""
    found = set()
    for name in COMMANDS:
        verbs = getattr(_built(name), "commands", None)
        found |= {name} if verbs is None else {f"{name} {verb}" for verb in verbs}
    return found


def line_of(command: str) -> list[str]:
    """The words of one line that runs the command.

    Raises:
        LookupError: none is written, here or in the help.
    """
    lines = [*EXAMPLES.get(command.split()[0], ())]
    if command in NOT_IN_THE_HELP:
        lines.append(f"{command} {NOT_IN_THE_HELP[command]}")
    for line in lines:
        words = shlex.split(line)
        if words[: len(command.split())] == command.split():
            return words
    raise LookupError(f"write a line of `{command}` in tests/support/command_lines.py")
