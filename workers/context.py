"""The one wiring file: everything a worker acts with, put together once per process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine

from config.readers.policy import Policy
from config.readers.templates import Templates
from config.settings import Settings
from domain.ladder import Ladder, ladder_for
from workers.clock import Clock
from workers.db.encryption import Cipher
from workers.outbox.lender_webhook import LenderWebhook
from workers.sms.providers.routing import Routes


@dataclass(frozen=True)
class Context:
    """Settings, policy and the ways out into the world. Tests put fakes in its places."""

    settings: Settings
    policy: Policy
    templates: Templates
    engine: Engine
    cipher: Cipher
    clock: Clock
    sms: Routes
    lender_webhook: LenderWebhook | None = None
    """The lender's systems, which are told what happens; None: they are not told."""

    def now(self) -> datetime:
        """The present moment in the lender's zone: its date is the business date."""
        return self.clock.now().astimezone(self.settings.lender_zone)

    def today(self) -> date:
        return self.now().date()

    def ladder_of(self, loan: Any, on: date) -> Ladder | None:
        """The ladder for a loan on business date `on`: whatever has its kind as attributes."""
        return ladder_for(
            self.policy.ladders,
            jurisdiction=loan.jurisdiction,
            product=loan.product,
            currency=loan.currency,
            on=on,
        )
