"""Event payloads with personal data, from the options of a command."""

from typing import Any

from pydantic import ValidationError

from config.input_errors import what_to_write
from domain.errors import ArrearsError
from workers.cli.language import say
from workers.db.encryption import Cipher
from workers.inbox.event_data.fields import PersonalEventData


def encrypted_payload(
    model: type[PersonalEventData], cipher: Cipher, **given: Any
) -> dict[str, Any]:
    """The payload of an event of this kind, with its personal data encrypted.

    Options that were left out are not in `given`, or None.

    Raises:
        ArrearsError: an option cannot be used. The message does not repeat its value.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    try:
        return model(**fields).payload(cipher)
    except ValidationError as error:
        found = error.errors()[0]
        option = _option(str(found["loc"][0])) if found["loc"] else say("These options")
        raise ArrearsError(
            say("{option} cannot be used: {found}.", option=option, found=what_to_write(found))
        ) from None


def _option(field: str) -> str:
    return "--" + field.removeprefix("another_").replace("_", "-")
