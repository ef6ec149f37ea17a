"""TargetLocationsURL: target locations that stand in a file of this organization's S3.

Flow: `fetch` -> the file's port (which checks the URL's own signature) -> event "locations" with the bytes, or with a refusal -> `take`:
JSON, checked like locations of the request -> they are kept in the execution, which goes on.
AWS: API StartAutomationExecution, TargetLocationsURL: a presigned S3 URL of a file that contains the TargetLocations body.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from localorg.automation import asked
from localorg.automation.actions.action import refusal_text
from localorg.automation.executions import Executions
from localorg.automation.fanout import CannotStart
from localorg.automation.ports import ENGINE
from localorg.automation.records import Execution
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Params

BYTES_MAX = 8 << 20
"""ASSUMED: AWS does not say how long the file may be; 100 locations with every account and exclusion are shorter."""
Validator = Callable[[str, str, Params], None]


class Files(Protocol):
    """Reads presigned URLs."""

    def fetch(self, url: str, bytes_max: int, reply: Event) -> None:
        """Post `reply`, extended by ok/output (of GetObject) or ok/error{Code,Message}. Raises AwsError for a URL that proves nothing.

        Of a longer file one byte more than `bytes_max` is given.
        """
        ...


class LocationsFile:
    """Fetches and reads the files."""

    def __init__(self, kernel: Kernel, executions: Executions, files: Files, validator: Validator) -> None:
        self._kernel = kernel
        self._executions = executions
        self._files = files
        self._validator = validator

    def fetch(self, execution: Execution) -> None:
        """Ask for the file; "locations" follows."""
        data = {"account": execution.account, "region": execution.region, "execution": execution.execution_id}
        reply = Event(ENGINE, "locations", data)
        try:
            self._files.fetch(execution.locations_url, BYTES_MAX, reply)
        except AwsError as refusal:
            error = {"Code": refusal.code, "Message": refusal.message}
            self._kernel.post(Event(ENGINE, "locations", {**data, "ok": False, "error": error}))

    def take(self, execution: Execution, answer: dict[str, Any]) -> None:
        """Keep the locations that the file names. Raises CannotStart."""
        if not answer["ok"]:
            raise CannotStart(refusal_text("GetObject", answer["error"]["Code"], answer["error"]["Message"]))
        body = bytes(answer["output"].get("Body") or b"")
        if len(body) > BYTES_MAX:
            raise CannotStart(f"The file of TargetLocationsURL is longer than {BYTES_MAX:,} bytes.")
        found = _read(body)
        params = json.loads(execution.request)
        try:
            self._validator("ssm", asked.OPERATION, {"DocumentName": params["DocumentName"], "TargetLocations": found})
            asked.check_locations(params, found)
        except AwsError as refusal:
            raise CannotStart(f"The file of TargetLocationsURL is not valid: {refusal.message}") from None
        execution.locations = found
        self._executions.put(execution)


def _read(body: bytes) -> Any:
    """# ASSUMED: the file holds the list itself, or an object whose TargetLocations is the list."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise CannotStart(f"The file of TargetLocationsURL is no JSON: {problem}") from None
    return value.get("TargetLocations") if isinstance(value, dict) else value
