"""What the provider says later of the texts that it took: most arrive, some do not."""

from domain.contact_points import NumberFact
from domain.messages import MessageStatus
from tests.oracle.simulated_borrowers import Simulation, submit_event
from workers.sms.delivery_receipts import receipt_payload
from workers.sms.providers.port import StatusReport

RECEIPTS = {"delivered": 6, "not delivered": 3, "nobody there": 1, "none": 2}
"""What becomes of a text, and how often against the others; of some nobody ever says it."""


def receipts_come(simulation: Simulation) -> None:
    """Of about half of the texts that wait for it, the provider says what became of them."""
    for taken in simulation.provider.log:
        if taken.reported or simulation.chance.random() < 0.5:
            continue
        taken.reported = True
        became = simulation.decks.draw("receipt", RECEIPTS)
        simulation.events[f"receipt: {became}"] += 1
        if became == "none":
            continue
        arrived, number = became == "delivered", taken.text.to
        status = MessageStatus.DELIVERED if arrived else MessageStatus.UNDELIVERED
        report = StatusReport(
            taken.text.reference,
            "twilio",
            taken.sid,
            str(status),
            status,
            None if arrived else "30003",
            NumberFact.REACHES_NOBODY if became == "nobody there" else None,
            number,
        )
        payload = receipt_payload(report, simulation.book.ctx.cipher)
        submit_event(simulation, "receipt", payload, at_once=True)
        if not arrived:
            taken.failed_at = simulation.now
        if became == "nobody there":
            simulation.lender.numbers.learn(number, "reaches_nobody", simulation.now, "provider")
