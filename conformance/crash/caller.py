"""A client of a server that may die at any moment: it knows which of its calls were answered."""

import http.client
import time

from support.clients import Http


class Unanswered(Exception):
    """Nobody knows whether the call had an effect."""


class Refused(Exception):
    def __init__(self, answer):
        super().__init__(answer)
        self.answer = answer


class Caller:
    """Plain HTTP, one connection, made anew after each crash."""

    def __init__(self, endpoint: str):
        self.endpoint, self.http = endpoint, None

    def call(self, action: str, **parameters) -> dict:
        """One attempt. Raises `Unanswered` when the server died over it, `Refused` when it said no."""
        try:
            if self.http is None:
                self.http = Http(self.endpoint, timeout_seconds=30)
            answer = self.http.json(action, parameters)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unanswered(action) from error
        if answer.status >= 500:
            raise Unanswered(action)
        if answer.status != 200:
            raise Refused(answer)
        return answer.json() if answer.body else {}

    def until_answered(self, action: str, **parameters) -> dict:
        """Repeats a call that may be repeated until it is answered."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.call(action, **parameters)
            except Unanswered:
                assert time.monotonic() < deadline, f"{action} was never answered"
                time.sleep(0.01)

    def close(self) -> None:
        if self.http is not None:
            self.http.close()
            self.http = None
