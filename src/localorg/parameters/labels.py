"""Labels of a parameter's versions: names that stand for a number in `name:label`, and can be moved to another version.

AWS: API LabelParameterVersion, UnlabelParameterVersion; user guide, sysman-paramstore-labels.
Rules: a label is on one version at most; what cannot be a label is told, and does not stop the others.
"""

import re

from localorg.kernel.errors import AwsError
from localorg.parameters.reading import Reading
from localorg.parameters.records import Drawer, ParameterRecord, ParameterVersion
from localorg.protocol.calls import Operation, Output, Request

LABEL = re.compile(r"(?!aws|ssm)[a-zA-Z_.\-][a-zA-Z0-9_.\-]*", re.IGNORECASE)
LABELS_MAX = 10


class Labels:
    """The operations on labels."""

    def __init__(self, drawer: Drawer, reading: Reading) -> None:
        self._drawer = drawer
        self._reading = reading

    def operations(self) -> list[Operation]:
        """Return the operations on labels."""
        return [
            Operation("ssm", "LabelParameterVersion", self._label, self._reading.access_by_name),
            Operation("ssm", "UnlabelParameterVersion", self._unlabel, self._reading.access_by_name),
        ]

    def _label(self, request: Request) -> Output:
        record, version = self._find(request)
        asked = list(dict.fromkeys(request.params["Labels"]))
        fit = [label for label in asked if LABEL.fullmatch(label)]
        labels = list(dict.fromkeys([*version.labels, *fit]))
        if len(labels) > LABELS_MAX:
            raise AwsError(
                "ParameterVersionLabelLimitExceeded",
                f"Version {version.number} of {record.name} would have {len(labels)} labels; at most {LABELS_MAX} are possible.",
            )
        for other in self._drawer.versions_of(record):
            if other.number != version.number and set(other.labels) & set(fit):
                other.labels = [label for label in other.labels if label not in fit]
                self._drawer.relabelled(record, other)
        version.labels = labels
        self._drawer.relabelled(record, version)
        return {"InvalidLabels": [label for label in asked if label not in fit], "ParameterVersion": version.number}

    def _unlabel(self, request: Request) -> Output:
        record, version = self._find(request)
        asked = list(dict.fromkeys(request.params["Labels"]))
        removed = [label for label in asked if label in version.labels]
        version.labels = [label for label in version.labels if label not in removed]
        self._drawer.relabelled(record, version)
        return {"RemovedLabels": removed, "InvalidLabels": [label for label in asked if label not in removed]}

    def _find(self, request: Request) -> tuple[ParameterRecord, ParameterVersion]:
        """Return the parameter and the version that are meant: the newest when none is. Raises ParameterNotFound and the like."""
        name, number = request.params["Name"].strip(), request.params.get("ParameterVersion")
        if self._drawer.get(request.account, request.region, name) is None:
            raise AwsError("ParameterNotFound", f"Parameter {name} not found.")
        record, version, _ = self._reading.find(request, name if number is None else f"{name}:{number}")
        return record, version
