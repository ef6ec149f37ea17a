"""One claim about AWS per test: what is claimed stands in the docstring, how sure we are in the decorator.

    @documented("API SendCommand, InstanceIds")
    def test_fifty_one_ids_are_refused(member: Account) -> None:
        \"\"\"SendCommand takes at most 50 instance ids.\"\"\"

`documented`: AWS says so, and where. `observed`: seen on AWS or of Amazon's own software, and where. `assumed`: neither; why this reading.
`docs/fidelity.md` is made of these three words, so each test has exactly one of them.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

Test = TypeVar("Test", bound=Callable[..., Any])
POLL_S = 0.1


def documented(source: str) -> Callable[[Test], Test]:
    """Mark a claim that AWS itself makes. `source`: the page, or the shape of the API reference."""
    return _claim("documented", source)


def observed(source: str) -> Callable[[Test], Test]:
    """Mark a claim that somebody saw come true. `source`: where, with which version."""
    return _claim("observed", source)


def assumed(why: str) -> Callable[[Test], Test]:
    """Mark a claim that nobody could confirm. `why`: what speaks for it."""
    return _claim("assumed", why)


def _claim(standing: str, source: str) -> Callable[[Test], Test]:
    def mark(test: Test) -> Test:
        marked: Test = pytest.mark.claim(standing, source)(test)
        return marked

    return mark


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """Expect a refusal with this error code, whose message holds every one of `words`."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert all(word in error["Message"] for word in words), error


def eventually(call: Callable[[], Any], until: Callable[[Any], bool], seconds: float = 30.0, retry: tuple[str, ...] = ()) -> Any:
    """Call again until `until` likes the answer, and return it. Refusals with a code of `retry` count as not yet."""
    deadline = time.monotonic() + seconds
    answer: Any = None
    while time.monotonic() < deadline:
        try:
            answer = call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in retry:
                raise
            answer = error
        else:
            if until(answer):
                return answer
        time.sleep(POLL_S)
    raise AssertionError(f"not within {seconds:.0f} s; the last answer was {answer!r}")
