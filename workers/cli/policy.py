"""Settings and policy for commands that only show them: no database or provider is loaded."""

import os

from config.environment import load_policy_settings
from config.readers.policy import Policy, load_policy
from config.readers.templates import Templates
from config.settings import PolicySettings


def read_policy() -> tuple[PolicySettings, Policy]:
    """The policy of this environment, and the settings that it needs.

    Raises:
        ArrearsError: they cannot be used; the message says why.
    """
    settings = load_policy_settings(os.environ)
    templates = Templates.load(settings.policy_dir / "templates")
    return settings, load_policy(settings.policy_dir, template_names=templates.names())
