"""boto3 sessions that are used again: making one, and clients of it, costs more than many calls, and each run of a script wants both.

Flow: a Front takes a seat for somebody's credentials -> its clients sign with these and ask there -> the seat is left, for the next one.
Rules: whoever has left a seat keeps off its clients: they speak for the next one. S3's clients stay within one organization, because they
remember in which Region a bucket is.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

CLIENTS = Config(
    retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, user_agent="Boto3 (a simulation of localorg)"
)
"""A refusal is told, not tried again: waiting would be in real time, in which nothing changes here. One host has all buckets.
boto3 composes its own user agent anew for each call, which takes longer than to sign it."""
FREE_MAX = 16
"""Seats of a Region that wait for another organization."""
Answer = Callable[..., AWSResponse]
"""What botocore's `before-send` hook calls."""

_free: dict[str, list["Seat"]] = defaultdict(list)


@functools.cache
def _models() -> Any:
    """Service models, read once in a process for all simulations and sessions."""
    return botocore.session.Session().get_component("data_loader")


def new_core() -> botocore.session.Session:
    """Return a botocore session with the models that are there."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models())
    return core


def seat_in(
    core: botocore.session.Session, answer: Answer, credentials: Mapping[str, str] | None, region: str
) -> botocore.session.Session:
    """Let a botocore session ask here, with these credentials (AccessKeyId, SecretAccessKey, SessionToken; None: without any)."""
    core.set_config_variable("region", region)
    core.set_default_client_config(CLIENTS)
    if credentials is not None:
        core.set_credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken") or None)
    core.register("before-send", answer)
    return core


class RememberingSession(boto3.Session):  # type: ignore[misc]  # boto3 carries no types
    """A session that makes each client once: a simulated month asks for thousands."""

    def __init__(self, core: botocore.session.Session, region: str) -> None:
        super().__init__(botocore_session=core, region_name=region)
        self._made: dict[tuple[Any, ...], Any] = {}

    def client(self, *words: Any, **options: Any) -> Any:
        """Return a client, as boto3.Session.client does. One with a Config of its own is made each time."""
        wish = (*words, *sorted(options.items()))
        if "config" in options:
            return super().client(*words, **options)
        if wish not in self._made:
            self._made[wish] = super().client(*words, **options)
        return self._made[wish]


class Seat(RememberingSession):
    """A session of one Region, whose credentials and whose organization change."""

    def __init__(self, region: str) -> None:
        self._answer: Answer | None = None
        nobody = {"AccessKeyId": "nobody", "SecretAccessKey": "nobody"}
        core = seat_in(new_core(), self._asked, nobody, region)
        # Clients ask this object for credentials at each call.
        self._credentials = core.get_credentials()
        super().__init__(core, region)

    def _asked(self, request: AWSPreparedRequest, **more: Any) -> AWSResponse:
        if self._answer is None:
            raise AssertionError("a client is used whose simulation is closed")
        return self._answer(request, **more)

    def sit(self, answer: Answer, credentials: Mapping[str, str]) -> None:
        """Speak for somebody, in an organization."""
        self._answer = answer
        self._credentials.access_key = credentials["AccessKeyId"]
        self._credentials.secret_key = credentials["SecretAccessKey"]
        self._credentials.token = credentials.get("SessionToken") or None

    def rise(self) -> None:
        """Leave the organization."""
        self._answer = None
        self._made = {wish: client for wish, client in self._made.items() if wish[0] != "s3"}


class Seats:
    """The seats that one organization has taken."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._taken: list[Seat] = []
        self._left: dict[str, list[Seat]] = defaultdict(list)

    def take(self, credentials: Mapping[str, str], region: str) -> Seat:
        """Return a seat for somebody in a Region."""
        for shelf in (self._left[region], _free[region]):
            if shelf:
                seat = shelf.pop()
                break
        else:
            seat = Seat(region)
        seat.sit(self._answer, credentials)
        self._taken.append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Let somebody else in this organization have a seat that nobody uses any more."""
        self._taken.remove(seat)
        self._left[seat.region_name].append(seat)

    def drop(self, seat: Seat) -> None:
        """Give a seat away for good: whoever has it keeps it."""
        self._taken.remove(seat)

    def close(self) -> None:
        """Let other organizations have all seats."""
        for seat in [*self._taken, *(seat for shelf in self._left.values() for seat in shelf)]:
            seat.rise()
            if len(_free[seat.region_name]) < FREE_MAX:
                _free[seat.region_name].append(seat)
        self._taken.clear()
        self._left.clear()
