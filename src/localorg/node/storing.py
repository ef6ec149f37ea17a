"""Output in S3: both streams of a step, whole, in the bucket that the command names, under the node's own role.

Flow: payload (OutputS3BucketName, OutputS3KeyPrefix) -> `Destination` -> after each step `store` its files stdout and stderr, then the
reply names bucket, prefix and folder, from which the service makes the links.
Rules: an empty stream is not stored; what cannot be stored is logged on the node and changes nothing else.
AWS: amazon-ssm-agent, runcommand/utils and iohandler: PREFIX/COMMAND/NODE/PLUGIN/STEP/stdout, plugin and step without their colons.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.document import DocumentStep
from localorg.node.results import StepResult

STREAMS = ("stdout", "stderr")
ATTEMPTS_MAX = 3


class Objects(Protocol):
    """Whoever can put a file into S3 as the node."""

    def put_object(self, bucket: str, key: str, path: Path) -> None:
        """Store the file at `path`. Raises CallRefusedError, Unreachable."""
        ...


@dataclass(frozen=True)
class Destination:
    """Where a command's output goes; no bucket: nowhere."""

    bucket: str = ""
    prefix: str = ""

    @classmethod
    def of(cls, payload: Mapping[str, Any], command_id: str, instance_id: str) -> "Destination":
        """Read the payload of a command's message."""
        bucket = str(payload.get("OutputS3BucketName") or "")
        return cls(bucket, _key(str(payload.get("OutputS3KeyPrefix") or ""), command_id, instance_id)) if bucket else cls()


def plain(name: str) -> str:
    """Return a plugin's or step's name as it stands in keys and paths."""
    return name.replace(":", "")


def step_folder(step: DocumentStep, inputs: Mapping[str, Any]) -> str:
    """Return the last folder of a step's output: its name, or the `id` of these properties in schema 1.2."""
    if step.name != step.plugin:
        return plain(step.name)
    # AWS: runpluginutil getStepName; Go reads member names in any case.
    return plain(next((str(value) for key, value in inputs.items() if key.lower() == "id" and value), ""))


@dataclass(frozen=True)
class OutputStore:
    """Stores the output of this node's commands."""

    objects: Objects | None
    log: Callable[[str], None]
    pause_s: float = 1.0

    def store(self, destination: Destination, plugin: str, folder: str, own: Path, result: StepResult) -> StepResult:
        """Store the streams that lie in `own` and return `result` with the place."""
        if not destination.bucket:
            return result
        prefix = _key(destination.prefix, plain(plugin))
        for stream in STREAMS:
            path = own / stream
            if path.exists() and path.stat().st_size:
                self._put(destination.bucket, _key(prefix, folder, stream), path)
        return replace(result, bucket=destination.bucket, prefix=prefix, folder=folder)

    def _put(self, bucket: str, key: str, path: Path) -> None:
        if self.objects is None:
            self.log(f"Failed to upload the output to s3://{bucket}/{key}: there is no way to S3 from here")
            return
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                self.objects.put_object(bucket, key, path)
            except CallRefusedError as error:
                self.log(f"Failed to upload the output to s3://{bucket}/{key}: {error}")
            except (Unreachable, OSError) as error:
                self.log(f"Failed to upload the output to s3://{bucket}/{key}, attempt {attempt} of {ATTEMPTS_MAX}: {error}")
                time.sleep(self.pause_s)
                continue
            return


def _key(*parts: str) -> str:
    return re.sub("/{2,}", "/", "/".join(part for part in parts if part))
