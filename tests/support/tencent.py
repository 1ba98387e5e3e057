"""A gateway to simulated Tencent Cloud, where one template of free words is registered."""

from config.readers.registered_templates import RegisteredTemplate, RegisteredTemplates
from workers.simulator.providers.tencent import SDK_APP_ID, SECRET_ID
from workers.sms.providers.tencent import TencentGateway

KEY = "a-key-for-tests"
TEMPLATE_ID = "1000001"
REGISTERED = {
    ("reminder", "en"): RegisteredTemplate("reminder", "en", id=TEMPLATE_ID, values=("words",))
}
VALUES_OF = {TEMPLATE_ID: 1}
"""How many values the template takes, for the simulated provider."""


def gateway_to(
    api_base: str,
    *,
    key: str = KEY,
    templates: RegisteredTemplates = REGISTERED,
    read_seconds: float = 5.0,
) -> TencentGateway:
    return TencentGateway(
        SECRET_ID,
        key,
        SDK_APP_ID,
        templates,
        api_base=api_base,
        timeouts=(2, read_seconds),
    )
