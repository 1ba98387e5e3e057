"""What borrowers do on the simulated day: pay, promise, keep a promise, answer a text."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import phonenumbers
import requests
from sqlalchemy import ColumnElement, select
from twilio.request_validator import RequestValidator

from config.readers.locales import format_money
from domain.actions import ASSIGN_CALL, SEND_SMS, ActionStatus, ActionType
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.messages import MessageStatus
from workers.cli.language import language_of_environment, say
from workers.db.schema import action, decision, loan, message, promise
from workers.db.typed_rows import columns_of, typed_rows
from workers.inbox.submit import submit
from workers.payments.payments import Payment, payment_payload
from workers.simulator.demo.installation import Installation

RECORDED_BY = "caller-01"


class Owed(NamedTuple):
    """What is to be paid on a loan."""

    external_id: str
    currency: str
    past_due: Decimal


class DeferredAction(NamedTuple):
    """An action that waits for a lawful hour."""

    external_id: str
    currency: str
    past_due: Decimal
    item: str
    due_at: datetime


class DeliveredText(NamedTuple):
    """A text that its borrower has read."""

    external_id: str
    id: UUID


class DemoStep(NamedTuple):
    """What a borrower did."""

    sentence: str
    """In the reader's language."""
    loan: str | None = None
    """The lender's own id; None if nobody did it."""


def pay_before_the_text(installation: Installation) -> DemoStep:
    """Pay all that is past due on a loan whose text is deferred: the text must not be sent then."""
    waits = _first_deferred(installation, action.c.type == SEND_SMS)
    if waits is None:
        return DemoStep(say("No text waits for a lawful hour, so no payment is made."))
    said = say(
        "Loan {loan} pays {amount} while its {item} waits until {until:%H:%M}. ",
        loan=waits.external_id,
        amount=_money(waits),
        item=item_name(installation, waits.item),
        until=waits.due_at.astimezone(installation.ctx.settings.lender_zone),
    )
    return DemoStep(said + _pay(installation, waits), waits.external_id)


def promise_before_the_call(installation: Installation) -> DemoStep:
    """Promise to pay today what is past due on a loan whose call is deferred: nobody calls then."""
    waits = _first_deferred(installation, action.c.type == ASSIGN_CALL)
    if waits is None:
        return DemoStep(say("No call waits for a lawful hour, so nobody makes a promise."))
    payload = {
        "promise": f"demo-{waits.external_id}",
        "loan": waits.external_id,
        "amount": str(waits.past_due),
        "currency": waits.currency,
        "due_on": installation.ctx.today().isoformat(),
        "actor": RECORDED_BY,
    }
    said = say(
        "Loan {loan} promises to pay {amount} today. ",
        loan=waits.external_id,
        amount=_money(waits),
    )
    return DemoStep(
        said + _submit(installation, payload["promise"], "promise", payload), waits.external_id
    )


def keep_the_promise(installation: Installation, loan_id: str) -> DemoStep:
    """Pay what was promised for a loan."""
    promised = (
        select(*columns_of(Owed, loan, promise, past_due=promise.c.amount))
        .join(promise, promise.c.loan_id == loan.c.id)
        .where(loan.c.external_id == loan_id)
    )
    with installation.ctx.engine.connect() as connection:
        [owed] = typed_rows(Owed, connection.execute(promised))
    said = say("Loan {loan} pays what was promised. ", loan=loan_id)
    return DemoStep(said + _pay(installation, owed), loan_id)


def answer(installation: Installation, item: str, words: str) -> DemoStep:
    """Answer the first delivered text of an item."""
    for loan_id in delivered_loans(installation, item):
        return DemoStep(text_back(installation, loan_id, words), loan_id)
    return DemoStep(say("No text of this kind was delivered, so nobody answers."))


def delivered_loans(installation: Installation, item: str) -> list[str]:
    """The loans whose borrower has got the text of an item, by the lender's own ids."""
    numbers = _numbers_by_reference(installation)
    delivered = _DELIVERED.where(action.c.item == item)
    with installation.ctx.engine.connect() as connection:
        texts = typed_rows(DeliveredText, connection.execute(delivered))
    return [text.external_id for text in texts if str(text.id) in numbers]


def text_back(installation: Installation, loan_id: str, words: str) -> str:
    """Write from the number that was texted about a loan, through the provider's webhook. Returns
    what was written, as a sentence."""
    of_loan = _DELIVERED.where(loan.c.external_id == loan_id)
    with installation.ctx.engine.connect() as connection:
        text, *_ = typed_rows(DeliveredText, connection.execute(of_loan))
    number = _numbers_by_reference(installation)[str(text.id)]
    write = {"tencent": _write_to_tencent, "twilio": _write_to_twilio}
    write[installation.book.provider](installation, number, words)
    return say("The borrower of loan {loan} answers: “{words}”", loan=loan_id, words=words)


_DELIVERED = (
    select(*columns_of(DeliveredText, loan, id=message.c.id))
    .join(action, action.c.loan_id == loan.c.id)
    .join(message, message.c.action_id == action.c.id)
    .where(message.c.status == MessageStatus.DELIVERED)
    .order_by(loan.c.id, action.c.id)
)


def first_done(installation: Installation, action_type: ActionType) -> DemoStep:
    """The first loan for which an action of this type was done; nobody reports it."""
    done = (
        select(loan.c.external_id)
        .join(action, action.c.loan_id == loan.c.id)
        .where(
            action.c.type == action_type,
            action.c.status.in_((ActionStatus.DONE, ActionStatus.ASSIGNED)),
        )
        .order_by(loan.c.id)
        .limit(1)
    )
    with installation.ctx.engine.connect() as connection:
        return DemoStep("", connection.execute(done).scalar())


def item_name(installation: Installation, item: str) -> str:
    """An item of a ladder as the reader calls it."""
    found = (i for ladder in installation.ctx.policy.ladders for i in ladder.all_items)
    names = next((i.names for i in found if i.id == item), {})
    return names.get(language_of_environment(), item)


def _first_deferred(
    installation: Installation, of_type: ColumnElement[bool]
) -> DeferredAction | None:
    query = (
        select(*columns_of(DeferredAction, loan, action, decision))
        .join(action, action.c.loan_id == loan.c.id)
        .join(decision, decision.c.id == action.c.decision_id)
        .where(of_type, action.c.status == ActionStatus.DEFERRED, action.c.due_at.is_not(None))
        .order_by(loan.c.id, action.c.id)
        .limit(1)
    )
    with installation.ctx.engine.connect() as connection:
        return next(iter(typed_rows(DeferredAction, connection.execute(query))), None)


def _money(owed: DeferredAction) -> str:
    locale = {"zh": "zh-Hans"}.get(language_of_environment(), "en")
    return format_money(owed.past_due, owed.currency, locale)


def _pay(installation: Installation, owed: Owed | DeferredAction) -> str:
    payment = Payment(
        f"demo-{owed.external_id}",
        owed.external_id,
        owed.past_due,
        owed.currency,
        installation.ctx.today(),
    )
    payload = payment_payload(payment)
    return _submit(installation, payment.external_id, "payment", payload)


def _submit(
    installation: Installation, external_id: str, kind: str, payload: Mapping[str, Any]
) -> str:
    result = submit(installation.ctx, f"{kind}:{external_id}", kind, payload)
    return speak(result.reason, language_of_environment())


def _numbers_by_reference(installation: Installation) -> dict[str, str]:
    """The number of each accepted text, by our id of it, from the provider's log."""
    with installation.accepted_texts_log.open(encoding="utf-8") as log:
        texts = map(json.loads, log)
        return {str(text["reference"]): str(text["to"]) for text in texts}


def _write_to_tencent(installation: Installation, number: str, words: str) -> None:
    parsed = phonenumbers.parse(number)
    [token] = installation.ctx.settings.tencent_callback_tokens or []
    text = {
        "nationcode": str(parsed.country_code),
        "mobile": str(parsed.national_number),
        "text": words,
        "time": int(time.time()),
    }
    _post(installation, f"tencent/{token.get_secret_value()}", json=text)


def _write_to_twilio(installation: Installation, number: str, words: str) -> None:
    [token] = installation.ctx.settings.twilio_auth_tokens or []
    form = {"MessageSid": f"SM{uuid4().hex}", "From": number, "Body": words}
    url = f"{installation.ctx.settings.public_url}/webhooks/twilio/inbound"
    signature = RequestValidator(token.get_secret_value()).compute_signature(url, form)
    _post(installation, "twilio", data=form, headers={"X-Twilio-Signature": signature})


def _post(installation: Installation, of_provider: str, **said: Any) -> None:
    """A provider's call. Raises `ArrearsError` if the webhook does not take it."""
    url = f"{installation.ctx.settings.public_url}/webhooks/{of_provider}/inbound"
    response = requests.post(url, timeout=30, proxies={"http": ""}, **said)
    if response.status_code != 200:
        raise ArrearsError(
            "The webhook answered a borrower's text with {status}.", status=response.status_code
        )
