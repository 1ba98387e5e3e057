"""Settings and policy for commands that only show them: no database or provider is loaded."""

import os

from config.readers.policy import Policy, load_policy
from config.readers.templates import Templates
from config.settings import Settings, load_settings


def read_policy() -> tuple[Settings, Policy]:
    """Settings and policy of this environment.

    Raises:
        ArrearsError: they cannot be used; the message says why.
    """
    settings = load_settings(os.environ)
    templates = Templates.load(settings.policy_dir / "templates")
    return settings, load_policy(settings.policy_dir, template_names=templates.names())
