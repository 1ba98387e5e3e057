"""The context of a process: its settings, policy, database, clock and gateways."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import Engine

from config.readers.policy import Policy
from config.readers.templates import Templates
from config.settings import Settings
from domain.actors import NOBODY, Actor
from domain.allocation import AllocationOrder
from domain.compliance.rules import pack_of_allocation
from domain.ladder import Ladder, first_day_with_ladder, ladder_for
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.clock import Clock
from workers.db.encryption import Cipher
from workers.outbox.lender_webhook import LenderWebhook
from workers.sms.providers.routing import Routes


@dataclass(frozen=True)
class Context:
    """Everything that use cases need. Tests replace parts with fakes."""

    settings: Settings
    policy: Policy
    templates: Templates
    engine: Engine
    cipher: Cipher
    clock: Clock
    sms: Routes
    actor: Actor = NOBODY
    """Whoever acts, from authentication: `acting`. Tasks act for Arrears itself."""
    is_noted_elsewhere: bool = False
    """Whether what a machine was permitted is on record in what came in."""
    noted: set[tuple[Permission, bool]] = field(default_factory=set, compare=False, repr=False)
    """The permissions that the actor asked for, granted or refused, which are on record."""
    lender_webhook: LenderWebhook | None = None
    """The webhook of the lender's systems; None: no events are delivered."""

    def acting(self, actor: Actor, *, is_noted_elsewhere: bool = False) -> Self:
        """The context of one command or call of an actor, who comes from authentication."""
        return replace(self, actor=actor, is_noted_elsewhere=is_noted_elsewhere, noted=set())

    def now(self) -> datetime:
        """The present moment in the lender's zone: its date is the business date."""
        return self.clock.now().astimezone(self.settings.lender_zone)

    def today(self) -> date:
        return self.now().date()

    def ladder_of(self, loan: Any, on: date) -> Ladder | None:
        """The ladder for a loan on business date `on`; None if there is none.

        `loan` is any row with `jurisdiction`, `product` and `currency`.
        """
        return ladder_for(self.policy.ladders, **_kind_of(loan), on=on)

    def allocation_order(self, jurisdiction: str) -> AllocationOrder:
        """The order in which a payment of a loan is allocated: the components as a rule pack of the
        jurisdiction says, or else the settings; whether by instalment, as the settings say.

        Where the law lets the contract agree on another order, the order of the settings counts.
        """
        pack = pack_of_allocation(self.policy.rule_packs, jurisdiction)
        order = self.settings.allocation_order
        if pack is None or (pack.allocation_unless_agreed and self.settings.allocation_is_agreed):
            return order
        return replace(order, components=pack.allocation)

    def why_no_ladder(self, loan: Any, on: date) -> Reasons:
        """Why `ladder_of` finds none: none is for such a loan, or none is in force yet."""
        kind = _kind_of(loan)
        if first := first_day_with_ladder(self.policy.ladders, **kind, after=on):
            return because(ReasonCode.NO_LADDER_YET, **kind, on=on, starts_on=first)
        return because(ReasonCode.NO_LADDER_FOR, **kind)


def _kind_of(loan: Any) -> dict[str, str]:
    """What a ladder is for."""
    return {
        "jurisdiction": loan.jurisdiction,
        "product": loan.product,
        "currency": loan.currency,
    }
