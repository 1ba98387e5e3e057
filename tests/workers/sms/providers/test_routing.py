"""Routes: which providers send to a number, and in which order."""

import pytest

from tests.support.fakes import FakeSmsGateway
from workers.sms.providers.routing import Routes, Sender


@pytest.fixture
def routes() -> Routes:
    gateway = FakeSmsGateway()
    senders = {name: Sender(name, f"from {name}", gateway) for name in ("first", "second", "third")}
    return Routes(senders, {"CN": ("second", "first"), "*": ("first",)})


@pytest.mark.parametrize(
    ("number", "provider"),
    [
        ("+8613800138000", "second"),
        ("+8612300000000", "second"),  # of no range that is known, but of the country
        ("+85261234567", "first"),
        ("+12125550100", "first"),
        ("a name", "first"),
    ],
)
def test_a_text_goes_by_the_region_of_its_number(
    routes: Routes, number: str, provider: str
) -> None:
    sender = routes.for_number(number)
    assert sender is not None
    assert sender.provider == provider


def test_the_next_of_the_route_is_asked_after_a_refusal_and_nobody_after_the_last(
    routes: Routes,
) -> None:
    number = "+8613800138000"
    sender = routes.for_number(number, refused_by={"second"})
    assert sender is not None
    assert sender.provider == "first"
    assert routes.for_number(number, refused_by={"first", "second"}) is None


def test_a_provider_without_a_route_is_still_asked_what_became_of_its_texts(routes: Routes) -> None:
    assert routes.gateway_to("third") is not None
    assert routes.gateway_to("fourth") is None
