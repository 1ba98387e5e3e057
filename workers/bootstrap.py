"""Builds the context of a process from its settings: the only place where parts are wired."""

import gc
import os
from functools import cache, partial

from sqlalchemy import Engine

from config.environment import load_settings
from config.readers.policy import load_policy
from config.readers.registered_templates import load_sms_templates
from config.readers.templates import Templates
from config.setting_validators import takes_replies
from config.settings import Settings
from domain.actors import ARREARS
from workers.clock import Clock
from workers.context import Context
from workers.db.encryption import Cipher, SealingCipher
from workers.db.encryption_keys import read_index_key
from workers.db.engine import POOL_SIZE, connect
from workers.db.journal import with_journal
from workers.db.outbox import with_outbox
from workers.outbox.lender_webhook import lender_webhook_in
from workers.sms.providers import tencent, twilio
from workers.sms.providers.routing import Routes, Sender


def build_context(settings: Settings, pool_size: int = POOL_SIZE) -> Context:
    """Build the context for production. `pool_size` is how many connections it may open.

    Raises:
        ArrearsError: policy, templates or keys are not usable; the message says which.
    """
    templates = Templates.load(settings.policy_dir / "templates")
    senders = [*_twilio(settings), *_tencent(settings, templates)]
    lender_webhook = lender_webhook_in(settings)
    engine = connect(settings.database_url, pool_size=pool_size)
    cipher, clock = _cipher(settings, engine), Clock(settings.clock_file)
    journaled = with_journal(engine, settings.journal_file, cipher, clock.now)
    return Context(
        settings=settings,
        templates=templates,
        policy=load_policy(settings.policy_dir, template_names=templates.names()),
        engine=with_outbox(journaled) if lender_webhook else journaled,
        cipher=cipher,
        clock=clock,
        sms=Routes({sender.provider: sender for sender in senders}, settings.sms_routes),
        lender_webhook=lender_webhook,
    )


def _cipher(settings: Settings, engine: Engine) -> Cipher:
    """The keys of this process; of a webhook, what it needs to seal."""
    if settings.webhook_key is not None:
        return SealingCipher(settings.webhook_key.get_secret_value())
    keys = [key.get_secret_value() for key in settings.encryption_keys or ()]
    return Cipher(keys, partial(read_index_key, engine))


def _twilio(settings: Settings) -> list[Sender]:
    """Twilio, if its settings are given; the routes decide whether it sends."""
    account, tokens, sender = (
        settings.twilio_account_sid,
        settings.twilio_auth_tokens,
        settings.twilio_from,
    )
    if account is None or tokens is None or sender is None:
        return []
    gateway = twilio.TwilioGateway(
        account_sid=account,
        auth_token=tokens[0].get_secret_value(),
        api_base=settings.twilio_api_base,
        status_callback_base=settings.public_url,
    )
    return [Sender(twilio.PROVIDER, sender, gateway, takes_replies=takes_replies(sender))]


def _tencent(settings: Settings, templates: Templates) -> list[Sender]:
    """Tencent Cloud, if its settings are given; the routes decide whether it sends."""
    id, key = settings.tencent_secret_id, settings.tencent_secret_key
    app, signature = settings.tencent_sdk_app_id, settings.tencent_sign_name
    if id is None or key is None or app is None or signature is None:
        return []
    registered = settings.policy_dir / "sms_templates" / "tencent.yaml"
    sms_templates = load_sms_templates(registered, templates.names())
    gateway = tencent.TencentGateway(
        secret_id=id,
        secret_key=key.get_secret_value(),
        sdk_app_id=app,
        templates=sms_templates,
        api_base=settings.tencent_api_base,
    )
    return [Sender(tencent.PROVIDER, signature, gateway, registered=frozenset(sms_templates))]


@cache
def process_context(pool_size: int = POOL_SIZE) -> Context:
    """The context of this process, built from its environment at first use.

    Until then the garbage collector rests, and after that it ignores the objects that exist by
    then: they live as long as the process, and to traverse them took a tenth to a fifth of a second
    each time.
    """
    gc.disable()
    try:
        ctx = build_context(load_settings(os.environ), pool_size)
        gc.freeze()
    finally:
        gc.enable()
    return ctx


def worker_context() -> Context:
    """The context of a task: what it does, Arrears does by its rules."""
    return process_context().acting(ARREARS)
