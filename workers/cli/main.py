"""`arrears`: the one command, and how its errors reach a person."""

from __future__ import annotations

import sys

import typer
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

from domain.errors import ArrearsError
from workers.cli import book, demo, explain, money, policy, serve, setup, status, work
from workers.store.engine import in_a_sentence

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
app.command("ladder")(policy.ladder)
app.command("pay")(money.pay)
app.command("approve")(policy.approve)
app.command("work")(work.work)
app.command("letter")(work.letter)
app.command("problems")(work.problems)
app.command("resume")(work.resume)
app.command("status")(status.status)
app.command("explain")(explain.explain)
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
        print(f"arrears: {in_a_sentence(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
