"""A borrower in difficulty: asks by text, is shown what a plan would mean, accepts it, and pays."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from domain.arrangements import AcceptanceProof, ArrangementStatus
from domain.errors import ArrearsError
from domain.inbound_texts import Meaning
from workers.cli.language import say, words
from workers.db.schema import arrangement, loan, reply, staff
from workers.queues import ASSIGN_REPLIES
from workers.simulator.demo.borrowers import delivered_loans, text_back
from workers.simulator.demo.collectors import day, money
from workers.simulator.demo.desk import Desk, NotNowError
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.ledger import tell, tell_payment
from workers.simulator.demo.people import people_of
from workers.simulator.demo.waiting import ProgressReporter, drain, sweep_until

INSTALMENTS = 3
"""Of the plan. A collector may agree to so many alone."""
PURPOSE = "to answer a borrower who asks for help by text"
"""Why a supervisor looks at what is owed: nobody was confirmed to be the right person."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An instalment plan, from the request on."""

    id: str
    name: str
    """The borrower's."""
    loan: str
    quote: dict[str, Any]
    """As the desk shows it."""


def ask_for_help(
    installation: Installation, reporter: ProgressReporter, supervisor: Desk
) -> Plan | None:
    """Write that one is in difficulty, be offered a plan and accept it, until it is active.

    It is the first borrower who was texted and may have one. None: nobody was.
    """
    found = _first_who_may(installation, supervisor)
    if found is None:
        return None
    name = people_of(installation.book)[found].name
    _write(installation, reporter, name, found, installation.book.help)
    desk, text = _reader_of(installation)
    plan = _offer(desk, supervisor, name, found, text)
    reporter.report(installation.ctx.now(), _shown(desk.who, supervisor.who, plan))
    _accept(installation, reporter, plan)
    tell(
        installation,
        "restructuring",
        restructuring=f"plan-{plan.loan}",
        loan=plan.loan,
        currency=plan.quote["currency"],
        restructured_on=installation.ctx.today().isoformat(),
        instalments=[
            {name: each[name] for name in ("due_on", "principal", "interest", "fees")}
            for each in plan.quote["after"]
        ],
        arrangement=plan.id,
        why=say("The borrower accepted the plan."),
        actor="ledger",
    )
    drain(installation, reporter)
    _assert_active(installation, plan)
    said = say(
        "The lender's ledger replaces the schedule: the plan of {name} (loan {loan}) is active. "
        "While it is kept these stop: {stops}.",
        name=plan.name,
        loan=plan.loan,
        stops=words("effects", plan.quote["stops"]),
    )
    reporter.report(installation.ctx.now(), said)
    return plan


def pay_first_instalment(
    installation: Installation, reporter: ProgressReporter, plan: Plan
) -> None:
    """Pay what falls due first by the new schedule, as soon as the borrower can."""
    first = plan.quote["after"][0]
    currency = plan.quote["currency"]
    tell_payment(installation, f"plan-{plan.loan}-1", plan.loan, first["amount"], currency)
    drain(installation, reporter)
    _assert_active(installation, plan)
    said = say(
        "{name} (loan {loan}) makes the first payment by the new schedule: {amount}, due on "
        "{due_on}.",
        name=plan.name,
        loan=plan.loan,
        amount=money(first["amount"], currency),
        due_on=day(first["due_on"]),
    )
    reporter.report(installation.ctx.now(), said)


def _first_who_may(installation: Installation, desk: Desk) -> str | None:
    for loan_id in delivered_loans(installation, "legal_notice"):
        try:
            desk.post("/quotes", loan=loan_id, instalments=INSTALMENTS, purpose=PURPOSE)
        except NotNowError:
            continue
        return loan_id
    return None


def _write(
    installation: Installation, reporter: ProgressReporter, name: str, loan_id: str, words: str
) -> None:
    text_back(installation, loan_id, words)
    said = say("{name} (loan {loan}) writes: “{words}”", name=name, loan=loan_id, words=words)
    reporter.report(installation.ctx.now(), said)
    drain(installation, reporter)


def _reader_of(installation: Installation) -> tuple[Desk, int]:
    """The collector who has the newest text that waits to be read, and its number."""
    found: list[tuple[str, int]] = []
    query = (
        select(staff.c.external_id, reply.c.id)
        .join(staff, staff.c.id == reply.c.staff_id)
        .where(reply.c.to_read, reply.c.handled_at.is_(None))
        .order_by(reply.c.id.desc())
        .limit(1)
    )

    def is_assigned() -> bool:
        with installation.ctx.engine.connect() as connection:
            found.extend((row[0], row[1]) for row in connection.execute(query))
        return bool(found)

    sweep_until(installation, ASSIGN_REPLIES, is_assigned)
    [(who, number)] = found[:1]
    return Desk(installation, who), number


def _offer(desk: Desk, supervisor: Desk, name: str, loan_id: str, text: int) -> Plan:
    """Read the text, which is a request already; a supervisor offers a plan."""
    query = (
        select(arrangement.c.external_id)
        .join(loan)
        .where(loan.c.external_id == loan_id, arrangement.c.status == ArrangementStatus.REQUESTED)
    )
    with desk.installation.ctx.engine.connect() as connection:
        id: str = connection.execute(query).scalar_one()
    desk.post("/replies/readings", reply=text, meaning=Meaning.ASKS_PLAN)
    quote = supervisor.post(f"/arrangements/{id}/offer", instalments=INSTALMENTS, purpose=PURPOSE)
    return Plan(id, name, loan_id, quote)


def _accept(installation: Installation, reporter: ProgressReporter, plan: Plan) -> None:
    _write(installation, reporter, plan.name, plan.loan, installation.book.yes)
    reader, text = _reader_of(installation)
    reader.post("/replies/readings", reply=text, meaning=Meaning.HARMLESS)
    reader.post(
        "/arrangements/acceptances",
        arrangement=plan.id,
        loan=plan.loan,
        accepted_on=installation.ctx.today().isoformat(),
        proof=AcceptanceProof.TEXT,
        proof_reference=str(text),
    )


def _shown(caller: str, supervisor: str, plan: Plan) -> str:
    quote, currency = plan.quote, plan.quote["currency"]
    first, last = quote["arranged"][0], quote["arranged"][-1]
    return say(
        "{caller} reads it, and {supervisor} offers {count} instalments, from {first} ({amount}) "
        "to {last}. To pay without the plan: {before}. With it: {after}, as {interest} of interest "
        "at {rate} % a year is added, and {dropped} of the old schedule's is not owed any more. It "
        "can be accepted until {until}.",
        caller=caller,
        supervisor=supervisor,
        count=len(quote["arranged"]),
        first=day(first["due_on"]),
        amount=money(first["amount"], currency),
        last=day(last["due_on"]),
        before=money(quote["to_pay_before"], currency),
        after=money(quote["to_pay_after"], currency),
        interest=money(quote["interest"], currency),
        rate=quote["rate_percent"],
        dropped=money(quote["interest_dropped"], currency),
        until=day(quote["valid_until"]),
    )


def _assert_active(installation: Installation, plan: Plan) -> None:
    query = select(arrangement.c.status).where(arrangement.c.external_id == plan.id)
    with installation.ctx.engine.connect() as connection:
        status = connection.execute(query).scalar_one()
    if status != ArrangementStatus.ACTIVE:
        raise ArrearsError(
            "The plan of loan {loan} should be active, and is {status}.",
            loan=plan.loan,
            status=status,
        )
