"""Starting, stopping, terminating and rebooting instances: states that change over time.

Flow: StartInstances -> pending -> (an alarm) running; StopInstances -> stopping -> stopped; TerminateInstances -> shutting-down ->
terminated. Every change is published as "ec2.instance-state-change" {account, region, instance_id, state}, which is how the server lets a
node's agent fall silent.
Rules: an instance that is there already stays; a terminated one comes back in no way.
AWS: EC2 API StartInstances, StopInstances, TerminateInstances, RebootInstances; EC2 user guide "Instance state changes".
"""

from typing import Any

from localorg.instances.describing import state
from localorg.instances.instances import Instances, no_dry_run
from localorg.instances.records import Instance
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, Handler, Operation, Output, Request

ENGINE = "instances"
SETTLE = "settle"
TRANSITION_S = 5.0
"""ASSUMED: how long an instance is pending, stopping or shutting-down; AWS takes seconds to minutes."""
FACT = "ec2.instance-state-change"


class Power:
    """Changes the state of instances."""

    def __init__(self, kernel: Kernel, instances: Instances) -> None:
        self._kernel = kernel
        self._instances = instances

    def operations(self) -> list[Operation]:
        """Return the operations that change states."""
        handlers: dict[str, Handler] = {
            "StartInstances": self._start,
            "StopInstances": self._stop,
            "TerminateInstances": self._terminate,
            "RebootInstances": self._reboot,
        }
        return [Operation("ec2", name, handler, self._access) for name, handler in handlers.items()]

    def _access(self, request: Request) -> list[Access]:
        place = f"arn:{self._kernel.settings.partition}:ec2:{request.region}:{request.account}"
        return [Access(f"ec2:{request.operation}", f"{place}:instance/{name}") for name in request.params.get("InstanceIds", [])]

    def _start(self, request: Request) -> Output:
        _refuse(request, "AdditionalInfo")
        return {"StartingInstances": self._change(request, ("stopped",), ("running", "pending"), "pending", "running", "started")}

    def _stop(self, request: Request) -> Output:
        # Force asks for no care of the file systems, which nodes do not need.
        _refuse(request, "Hibernate", "SkipOsShutdown")
        stoppable, there = ("running", "pending"), ("stopped", "stopping")
        return {"StoppingInstances": self._change(request, stoppable, there, "stopping", "stopped", "stopped")}

    def _terminate(self, request: Request) -> Output:
        _refuse(request, "Force", "SkipOsShutdown")
        ending = ("pending", "running", "stopping", "stopped")
        there = ("shutting-down", "terminated")
        return {"TerminatingInstances": self._change(request, ending, there, "shutting-down", "terminated", "terminated")}

    def _reboot(self, request: Request) -> Output:
        """# DEVIATES: a reboot is over at once, and what runs on the node goes on."""
        for one in self._found(request):
            if one.state != "running":
                raise _wrong_state(one, "rebooted")
        return {}

    def _found(self, request: Request) -> list[Instance]:
        no_dry_run(request)
        return self._instances.find(request, request.params["InstanceIds"])

    def _change(
        self, request: Request, possible: tuple[str, ...], there: tuple[str, ...], passing: str, final: str, verb: str
    ) -> list[dict[str, Any]]:
        found = self._found(request)
        # AWS: all instances of a request change, or none does.
        for one in found:
            if one.state not in (*possible, *there):
                raise _wrong_state(one, verb)
        return [self._changed(one, passing, final, is_needed=one.state in possible) for one in found]

    def _changed(self, one: Instance, passing: str, final: str, *, is_needed: bool) -> dict[str, Any]:
        before = one.state
        if is_needed:
            self._kernel.cancel(one.transition)
            data = {"account": one.account, "region": one.region, "instance_id": one.instance_id, "state": final}
            one.transition = self._kernel.after(TRANSITION_S, Event(ENGINE, SETTLE, data))
            one.changed = self._kernel.now()
            if final == "running":
                one.launched = one.changed
            self._become(one, passing)
        return {"InstanceId": one.instance_id, "CurrentState": state(one.state), "PreviousState": state(before)}

    def settle(self, data: dict[str, Any]) -> None:
        """An instance has reached the state that it was changing to."""
        one = self._instances.get(data["account"], data["region"], data["instance_id"])
        if one is not None:
            one.transition = ""
            self._become(one, data["state"])

    def _become(self, one: Instance, new: str) -> None:
        one.state = new
        self._instances.keep(one)
        fact = {"account": one.account, "region": one.region, "instance_id": one.instance_id, "state": new}
        self._kernel.publish(FACT, fact)


def _wrong_state(one: Instance, verb: str) -> AwsError:
    # AWS: EC2 API "Error codes", IncorrectInstanceState; the words were observed.
    return AwsError("IncorrectInstanceState", f"The instance '{one.instance_id}' is not in a state from which it can be {verb}.")


def _refuse(request: Request, *names: str) -> None:
    for name in names:
        if request.params.get(name):
            raise NotSupported(f"the parameter {name}", request.operation)
