"""Whoever calls at the desk: who is not answered says the same again, as a console or a dialer
does."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.support.desk import DESK
from workers.simulator.servers.environment import LOOPBACK

PATIENCE = 20.0
"""Seconds within which a call is answered; a successor is there after a fraction of one."""


@dataclass(slots=True)
class Desk:
    """The desk at a port, for the people of one day."""

    port: int
    asked: set[str] = field(default_factory=set)
    """The paths to which something was said, as the application has them."""

    def post(
        self,
        who: str,
        path: str,
        said: Mapping[str, Any],
        *,
        answers: int = 200,
        again: int | None = None,
        **named: Any,
    ) -> Any:
        """Say something until it is answered. `named` are the values in the path. `again` is how it
        is answered to whoever said it before, had it done and lost the answer."""
        self.asked.add(f"POST {path}")
        lost, status, answer = self._say(who, "POST", path.format(**named), said)
        expected = {answers} if again is None or not lost else {answers, again}
        assert status in expected, (path, lost, status, answer)
        return answer

    def get(self, who: str, path: str) -> Any:
        _, status, answer = self._say(who, "GET", path, None)
        assert status == 200, (path, status, answer)
        return answer

    def _say(self, who: str, method: str, path: str, said: Any) -> tuple[bool, int, Any]:
        body = None if said is None else json.dumps(said)
        headers = {"authorization": f"Bearer arrears_of_{who}", "content-type": "application/json"}
        give_up_at, lost = time.monotonic() + PATIENCE, False
        while time.monotonic() < give_up_at:
            connection = HTTPConnection(LOOPBACK, self.port, timeout=PATIENCE)
            try:
                connection.request(method, DESK + path, body, headers)
                answer = connection.getresponse()
                read = json.loads(answer.read())
                if answer.status != 503:
                    return lost, answer.status, read
                # Its connections were to the database of the day before: it makes new ones.
            except ConnectionRefusedError:
                time.sleep(0.005)
            except (OSError, HTTPException):
                lost = True  # whether it was done nobody knows
            finally:
                connection.close()
        raise AssertionError(f"nobody answers {method} {path}")
