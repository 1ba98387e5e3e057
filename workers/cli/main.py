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
from workers.cli import approvals as policy
from workers.cli import borrower as wishes
from workers.cli import (
    calls,
    explain,
    keys,
    ladder,
    may_contact,
    outbox,
    problems,
    replies,
    rules,
    serve,
    setup,
    status,
    visits,
)
from workers.cli import data_subject as subject
from workers.cli import dead_letters as dead
from workers.cli import evidence as audit
from workers.cli import holds as pauses
from workers.cli import imports as book
from workers.cli import payments as money
from workers.cli import retention as privacy
from workers.cli import texts as unknown
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
app.command("roster")(book.roster)
app.command("import")(book.import_)
app.command("ladder")(ladder.ladder)
# A sum below zero is an argument, to be answered in a sentence, and no option called -5.
app.command("pay", context_settings={"ignore_unknown_options": True})(money.pay)
app.command("reverse")(money.reverse)
app.command("promise")(money.promise)
app.command("withdraw")(money.withdraw)
app.command("write-off")(money.write_off)
app.command("hold")(pauses.hold)
app.command("dispute")(pauses.dispute)
app.command("release")(pauses.release)
app.command("approve")(policy.approve)
app.command("refuse")(policy.refuse)
app.command("work")(work.work)
app.command("letter")(work.letter)
app.command("problems")(work.problems)
app.add_typer(problems.app, name="problem")
app.command("opt-out")(wishes.opt_out)
app.command("validation-notice")(wishes.validation_notice)
app.command("acknowledgement")(wishes.acknowledgement)
app.add_typer(calls.app, name="call")
app.add_typer(visits.app, name="visit")
app.add_typer(replies.app, name="reply")
app.add_typer(dead.app, name="dead")
app.add_typer(unknown.app, name="unknown")
app.add_typer(outbox.app, name="outbox")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")
app.add_typer(subject.app, name="subject")
app.add_typer(privacy.app, name="privacy")
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
