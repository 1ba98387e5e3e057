"""Somebody of the staff at the desk: `/api/v1` over HTTP, with a token of their own."""

from dataclasses import dataclass
from typing import Any

import requests

from domain.errors import ArrearsError
from workers.cli.language import language_of_environment
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.sign_in import token_of

TIMEOUT = 30.0
"""Seconds for one call."""
NOT_NOW = 409


@dataclass(frozen=True, slots=True)
class Desk:
    """A member of staff who works."""

    installation: Installation
    who: str
    """Their reference on the roster."""

    def get(self, path: str) -> Any:
        """What is there. Raises `ArrearsError` if it is refused."""
        return self._answer("GET", path, None)

    def post(self, path: str, **said: Any) -> dict[str, Any]:
        """Do or report something; what is None is left out. Returns the answer.

        Raises:
            NotNowError: it cannot be done now, as when the contact gate bars a call.
            ArrearsError: it is refused.
        """
        answer: dict[str, Any] = self._answer(
            "POST", path, {k: v for k, v in said.items() if v is not None}
        )
        return answer

    def _answer(self, method: str, path: str, said: dict[str, Any] | None) -> Any:
        token = token_of(self.installation.directory, self.who).read_text().strip()
        answer = requests.request(
            method,
            f"{self.installation.desk_url}/api/v1{path}",
            json=said,
            headers={
                "authorization": f"Bearer {token}",
                "accept-language": language_of_environment(),
            },
            timeout=TIMEOUT,
            proxies={"http": ""},
        )
        found = answer.json()
        if answer.ok:
            return found
        error = NotNowError if answer.status_code == NOT_NOW else ArrearsError
        raise error(
            "The desk answered {who} at {path} with {status}: {detail}",
            who=self.who,
            path=path,
            status=answer.status_code,
            detail=found.get("detail", found),
        )


class NotNowError(ArrearsError):
    """What somebody wants to do cannot be done now."""
