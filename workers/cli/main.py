"""`arrears`: the one command, and how its errors reach a person."""

# ruff: noqa: E402 - what follows is imported while nothing is collected

from __future__ import annotations

import gc

# What is imported stays. To look through it for garbage again and again was a seventh of the start.
gc.disable()

import sys

import typer
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

from domain.errors import ArrearsError
from workers.cli import (
    approvals,
    borrower,
    calls,
    data_subject,
    dead_letters,
    evidence,
    explain,
    holds,
    imports,
    keys,
    ladder,
    may_contact,
    outbox,
    payments,
    problems,
    replies,
    retention,
    rules,
    serve,
    setup,
    status,
    texts,
    visits,
)
from workers.cli import worklist as work
from workers.db.engine import user_message
from workers.simulator.demo import command as demo

gc.freeze()
gc.enable()

app = typer.Typer(
    help="Arrears watches a loan book and acts by rule, as the lender's ladder and the law allow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("migrate")(setup.migrate)
app.command("check")(setup.check)
app.command("new-key")(setup.new_key)
app.command("roster")(imports.roster)
app.command("import")(imports.import_)
app.command("ladder")(ladder.ladder)
# A sum below zero is an argument, to be answered in a sentence, and no option called -5.
app.command("pay", context_settings={"ignore_unknown_options": True})(payments.pay)
app.command("reverse")(payments.reverse)
app.command("promise")(payments.promise)
app.command("withdraw")(payments.withdraw)
app.command("write-off")(payments.write_off)
app.command("hold")(holds.hold)
app.command("dispute")(holds.dispute)
app.command("release")(holds.release)
app.command("approve")(approvals.approve)
app.command("refuse")(approvals.refuse)
app.command("work")(work.work)
app.command("letter")(work.letter)
app.command("problems")(work.problems)
app.add_typer(problems.app, name="problem")
app.command("opt-out")(borrower.opt_out)
app.command("validation-notice")(borrower.validation_notice)
app.command("acknowledgement")(borrower.acknowledgement)
app.add_typer(calls.app, name="call")
app.add_typer(visits.app, name="visit")
app.add_typer(replies.app, name="reply")
app.add_typer(dead_letters.app, name="dead")
app.add_typer(texts.app, name="unknown")
app.add_typer(outbox.app, name="outbox")
app.add_typer(evidence.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(data_subject.app, name="subject")
app.add_typer(retention.app, name="privacy")
app.command("status")(status.status)
app.command("explain")(explain.explain)
app.command("may-contact")(may_contact.ask)
app.command("rules")(rules.rules)
app.command("demo")(demo.demo)
app.command("worker")(serve.worker)
app.command("beat")(serve.beat)
app.command("webhook")(serve.webhook)
app.command("flower")(serve.flower)


def main() -> None:
    """Run a command. What a person can put right is one sentence and exit code 2, no traceback."""
    try:
        app(standalone_mode=True)
    except ArrearsError as error:
        print(f"arrears: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (OperationalError, InterfaceError, ProgrammingError, InternalError) as error:
        print(f"arrears: {user_message(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
