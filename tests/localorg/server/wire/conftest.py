"""One toy organization for all tests of the wire, and clients for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from server.wire.toy import SECRET, Toy


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A served toy organization."""
    served = Toy(tmp_path_factory.mktemp("toy")).start()
    yield served
    served.stop()
    assert served.kernel.faults == []


@pytest.fixture(autouse=True)
def _nothing_is_forbidden(toy: Toy) -> Iterator[None]:
    yield
    toy.authoriser.forbidden.clear()


@pytest.fixture
def client(toy: Toy) -> Callable[..., Any]:
    """Make a boto3 client: client("ssm", key="AKIDOWNER", secret=..., token=..., region=...)."""

    def make(
        service: str,
        *,
        key: str = "AKIDOWNER",
        secret: str = SECRET,
        token: str | None = None,
        region: str = "us-east-1",
        **config: Any,
    ) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=toy.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1}, **config),
        )

    return make


@pytest.fixture
def environment(toy: Toy, tmp_path: Path) -> dict[str, str]:
    """The environment of a child process that is a client of the toy."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": toy.endpoint,
        "AWS_ACCESS_KEY_ID": "AKIDOWNER",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
