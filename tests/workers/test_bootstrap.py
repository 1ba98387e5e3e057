"""The wiring: which providers a house has, and what a process that opened it keeps."""

import gc

import pytest

from config.environment import SettingsError, load_settings
from tests.support.environment import an_environment
from workers.bootstrap import build_context, process_context
from workers.sms.providers.tencent import TencentGateway

TENCENT = {
    "TENCENT_SECRET_ID": "id",
    "TENCENT_SECRET_KEY": "key",
    "TENCENT_SDK_APP_ID": "1400000000",
    "TENCENT_SIGN_NAME": "Example",
}


def test_an_installation_has_one_provider_unless_another_is_set() -> None:
    ctx = build_context(load_settings(an_environment()))
    sender = ctx.sms.for_number("+8613800138000")
    assert sender is not None
    assert (sender.provider, sender.sender) == ("twilio", "+15005550006")
    assert ctx.sms.gateway_to("tencent") is None


def test_a_route_through_tencent_cloud_is_taken_by_the_numbers_of_its_region() -> None:
    variables = {"ARREARS_SMS_ROUTES": "CN: tencent twilio, *: twilio", **TENCENT}
    ctx = build_context(load_settings(an_environment() | variables))
    sender = ctx.sms.for_number("+8613800138000")
    assert sender is not None
    assert (sender.provider, sender.sender) == ("tencent", "Example")
    assert isinstance(sender.gateway, TencentGateway)
    elsewhere = ctx.sms.for_number("+12125550100")
    assert elsewhere is not None
    assert elsewhere.provider == "twilio"


def test_a_provider_without_a_route_is_there_for_what_it_sent_before() -> None:
    ctx = build_context(load_settings(an_environment() | TENCENT))
    assert isinstance(ctx.sms.gateway_to("tencent"), TencentGateway)


def test_what_a_routed_provider_cannot_do_without_is_asked_for_by_name() -> None:
    variables = {"ARREARS_SMS_ROUTES": "*: tencent", "TENCENT_SDK_APP_ID": "1400000000"}
    with pytest.raises(SettingsError) as said:
        load_settings(an_environment() | variables)
    *sentences, how_to_set = str(said.value).splitlines()
    assert "docs/settings.md" in how_to_set
    assert [sentence.split()[0] for sentence in sentences] == [
        "TENCENT_SECRET_ID",
        "TENCENT_SECRET_KEY",
        "TENCENT_SIGN_NAME",
    ]
    assert all("take tencent out of the routes" in sentence for sentence in sentences)


def test_what_a_process_has_with_its_context_is_left_out_of_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in an_environment().items():
        monkeypatch.setenv(name, value)
    gc.unfreeze()
    process_context.cache_clear()
    try:
        process_context()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        process_context.cache_clear()
