"""A made-up action type's use case, and one day on which an installation that has it runs it."""

import json
import os
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta

import redis
from sqlalchemy import CheckConstraint, select, text

from domain.actions import ACTION_TYPES, ActionStatus, Move
from tests.support.loans import Book
from workers.app import app
from workers.bootstrap import worker_context
from workers.context import Context
from workers.db.schema import action, outbox_event
from workers.gate.claim import claim, complete
from workers.gate.reserve import reserve_contact
from workers.history import loan_history
from workers.messaging.broker import KEY_PREFIX
from workers.operations.status import read_status
from workers.queues import Queue
from workers.simulator.demo.integrity import count_duplicates, find_unexplained
from workers.staff.worklist import read_work


def ask_mediator(ctx: Context, action_id: int) -> str:
    """Ask a mediator: the contact on record is all the effect there is."""
    with ctx.engine.begin() as connection:
        claimed = claim(connection, ctx, action_id, ACTION_TYPES["ask_mediator"])
        if claimed is None:
            return "nothing to do"
        reserve_contact(connection, claimed, claimed.now)
        done = Move(ActionStatus.DONE, (), claimed.verdict.rules)
        complete(connection, claimed, done, claimed.now)
        return "asked"


def run_a_day() -> None:
    """From the scan to the effect, through the tasks; prints as JSON what could be seen of it."""
    app.loader.import_default_modules()
    ctx = worker_context()
    check = next(
        constraint
        for constraint in action.c.type.constraints
        if isinstance(constraint, CheckConstraint) and constraint.name == "action_type_known"
    )
    with ctx.engine.begin() as connection:
        connection.execute(text("ALTER TABLE action DROP CONSTRAINT action_type_known"))
        connection.execute(
            text(f"ALTER TABLE action ADD CONSTRAINT action_type_known CHECK ({check.sqltext})")
        )
    book = Book(ctx.engine)
    book.ctx = ctx
    book.clock.at = ctx.now()
    book.loan("L-1", due_on=str(ctx.today() - timedelta(days=2)))

    seen: dict[str, object] = {}
    app.tasks["arrears.scan.scan_portfolio"]()
    for task, args in messages_in(Queue.ESCALATE):
        app.tasks[task](*args)
    seen["planned as"] = book.actions("L-1")["mediation"]
    with ctx.engine.connect() as connection:
        approvals = read_work(connection, ctx, ctx.today()).approvals
        seen["to approve"] = [(waits.item, waits.role) for waits in approvals]
    book.approve("L-1", "mediation")
    app.tasks["arrears.dispatch.dispatch_due_actions"]()
    seen["messages"] = [
        (task, app.tasks[task](*args))
        for task, args in messages_in(ACTION_TYPES["ask_mediator"].queue)
    ]
    with ctx.engine.connect() as connection:
        seen["status"] = read_status(connection, ctx.now()).actions.by_type["ask_mediator"]
        for language in ("en", "zh"):
            history = loan_history(connection, ctx, "L-1", language=language)
            seen[language] = " ".join(sentence.text for sentence in history)
        seen["events"] = sorted(connection.execute(select(outbox_event.c.kind)).scalars())
        seen["unexplained"] = find_unexplained(connection, ctx)
        seen["duplicates"] = count_duplicates(connection)
    print(json.dumps(seen))


def messages_in(queue: str) -> Iterator[tuple[str, list[object]]]:
    """The tasks in a queue, with their arguments, taken out of it."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        while raw := client.lpop(f"{KEY_PREFIX}{queue}"):
            message = json.loads(raw)
            yield message["headers"]["task"], json.loads(b64decode(message["body"]))[0]
