"""A client of a server that may die at any moment: it knows which of its calls were answered."""

import http.client
import time

import botocore.exceptions
from botocore import xform_name

from support.clients import Http, client


class Unanswered(Exception):
    """Nobody knows whether the call had an effect."""


class Refused(Exception):
    """The server said no; `text` is how."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text


class AnyCaller:
    repeats = False
    """Whether a call may have been made more than once by the time that it is answered."""

    def call(self, action: str, **parameters) -> dict:
        """One attempt. Raises `Unanswered` when the server died over it, `Refused` when it said no."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def until_answered(self, action: str, **parameters) -> dict:
        """Repeats a call that may be repeated until it is answered."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.call(action, **parameters)
            except Unanswered:
                assert time.monotonic() < deadline, f"{action} was never answered"
                time.sleep(0.01)


class Caller(AnyCaller):
    """Plain HTTP, one connection, made anew after each crash."""

    def __init__(self, endpoint: str):
        self.endpoint, self.http = endpoint, None

    def call(self, action: str, **parameters) -> dict:
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
            raise Refused(answer.body.decode(errors="replace"))
        return answer.json() if answer.body else {}

    def close(self) -> None:
        if self.http is not None:
            self.http.close()
            self.http = None


class SdkCaller(AnyCaller):
    """boto3 as users have it, with retries of its own: only for calls that may be repeated."""

    repeats = True

    def __init__(self, endpoint: str):
        retries = {"max_attempts": 3, "mode": "standard"}
        self.sqs = client(endpoint, retries=retries, read_timeout=30, parameter_validation=True)

    def call(self, action: str, **parameters) -> dict:
        try:
            return getattr(self.sqs, xform_name(action))(**parameters)
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise Unanswered(action) from error
            raise Refused(str(error)) from error
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as error:
            raise Unanswered(action) from error

    def close(self) -> None:
        self.sqs.close()
