"""The lender's systems are asked for their events again; the recovery waits for the answer."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import SecretStr

from domain.recovery import RecoveryStep, StepStatus
from tests.workers.recovery.conftest import House
from tests.workers.recovery.test_journal import half_a_day_and_the_other, run
from workers.inbox.apply import apply_event
from workers.inbox.store import store_event
from workers.outbox.lender_webhook import DeliveryOutcome, DeliveryResult, OutgoingEvent
from workers.recovery.run import Recovered, go_on_without


@dataclass
class Systems:
    """What the lender's systems were asked."""

    outcome: DeliveryOutcome = DeliveryOutcome.DELIVERED
    got: list[OutgoingEvent] = field(default_factory=list)

    def post(self, event: OutgoingEvent, now: datetime) -> DeliveryResult:
        self.got.append(event)
        return DeliveryResult(self.outcome, ())


def with_systems(house: House, *senders: str) -> Systems:
    systems = Systems()
    secrets = {sender: [SecretStr("whsec_x")] for sender in senders}
    settings = house.book.ctx.settings.model_copy(update={"events_in_secrets": secrets})
    ctx = replace(house.book.ctx, settings=settings, lender_webhook=systems)  # type: ignore[arg-type]
    house.book.ctx = ctx
    return systems


def still_open(recovered: Recovered) -> list[str]:
    return [
        result.subject
        for result in recovered.results
        if result.step is RecoveryStep.EVENTS and result.status is StepStatus.OPEN
    ]


def answers(house: House, sender: str, recovery: object, id: str = "a-1") -> str:
    ctx = house.book.ctx
    with ctx.engine.begin() as connection:
        payload = {"recovery": recovery}
        stored = store_event(connection, id, "events_resent", payload, ctx.now(), sender=sender)
    return apply_event(ctx, stored).status


def test_the_recovery_waits_until_each_system_has_answered(house: House) -> None:
    half_a_day_and_the_other(house)
    house.restore()
    systems = with_systems(house, "core", "dialer")
    assert still_open(run(house, dry_run=True)) == ["core", "dialer"]
    assert systems.got == [], "a dry run asks nobody"

    first = run(house)
    again = run(house)

    assert still_open(first) == still_open(again) == ["core", "dialer"]
    asked = {event.event_id: event.data for event in systems.got}
    assert len(systems.got) == 2
    [(id, data)] = asked.items()
    assert data == {"recovery": str(id), "since": first.since.isoformat()}
    assert answers(house, "core", data["recovery"]) == "applied"
    assert answers(house, "dialer", "another one") == "rejected"
    assert still_open(run(house)) == ["dialer"]
    go_on_without(house.book.ctx, RecoveryStep.EVENTS, "dialer", "it keeps no events")
    assert run(house).is_finished


def test_systems_that_do_not_answer_the_door_are_named(house: House) -> None:
    half_a_day_and_the_other(house)
    house.restore()
    systems = with_systems(house, "core")
    systems.outcome = DeliveryOutcome.FAILED
    found = run(house)
    assert still_open(found) == ["core"]
    assert not found.is_finished
