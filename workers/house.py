"""The one wiring file: everything a worker acts with, put together once per process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from sqlalchemy import Engine

from config.policy import Policy, load_policy
from config.settings import Settings, load_settings
from config.templates import Templates
from workers.clock import Clock
from workers.gateways.sms import SmsGateway
from workers.gateways.twilio import TwilioGateway
from workers.store.engine import connect
from workers.store.vault import Vault


@dataclass(frozen=True)
class House:
    """Settings, policy and the ways out into the world. Tests put fakes in its places."""

    settings: Settings
    policy: Policy
    templates: Templates
    engine: Engine
    vault: Vault
    clock: Clock
    sms: SmsGateway

    def now(self) -> datetime:
        """The present moment in the lender's zone: its date is the business date."""
        return self.clock.now().astimezone(self.settings.lender_zone)

    def today(self) -> date:
        return self.now().date()


def build_house(settings: Settings) -> House:
    """Wire the house for production.

    Raises:
        ArrearsError: policy, templates or keys are not usable; the message says which.
    """
    templates = Templates.load(settings.policy_dir / "templates")
    tokens = [token.get_secret_value() for token in settings.twilio_auth_tokens]
    return House(
        settings=settings,
        templates=templates,
        policy=load_policy(settings.policy_dir, template_names=templates.names()),
        engine=connect(settings.database_url),
        vault=Vault([key.get_secret_value() for key in settings.encryption_keys]),
        clock=Clock(settings.clock_file),
        sms=TwilioGateway(
            account_sid=settings.twilio_account_sid,
            auth_token=tokens[0],
            api_base=settings.twilio_api_base,
            status_callback_base=settings.public_url,
        ),
    )


@cache
def the_house() -> House:
    """This process's house, built from its environment at first use."""
    return build_house(load_settings(os.environ))
