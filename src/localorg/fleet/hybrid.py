"""Hybrid nodes: machines outside EC2 that register with an activation and prove themselves by a key of their own.

Flow: RegisterManagedInstance (anonymous, with the activation's code) -> a node `mi-…` with its public key ->
RequestManagedInstanceRoleToken, signed with that key -> a session of the activation's role, named after the node. People take the role
or the registration away.
Rules: where a node belongs follows from its activation alone; whoever shows another fingerprint than at registration gets no token;
a node that was deregistered is unknown, whatever it still holds.
Refuses to know: how a signature looks (the server verifies it with `key`).
AWS: what the stock agent says and hears at its registration; API DeregisterManagedInstance, UpdateManagedInstanceRole.
"""

import base64
import hmac

from localorg.fleet.activations import Activations
from localorg.fleet.mailbox import topic
from localorg.fleet.ports import NodeRoles
from localorg.fleet.records import Activation, Node
from localorg.fleet.registry import Registry
from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

KEY_TYPES = ("Rsa",)
KEY_BYTES_MIN = 64
"""Less is no key; what the bytes are is told when the first signature is to be verified."""


class Hybrid:
    """Registration, tokens and roles of hybrid nodes."""

    def __init__(self, kernel: Kernel, registry: Registry, activations: Activations, roles: NodeRoles) -> None:
        self._kernel = kernel
        self._registry = registry
        self._activations = activations
        self._roles = roles

    def operations(self) -> list[Operation]:
        """Return the operations of ssm that only hybrid nodes have."""
        return [
            Operation("ssm", "RegisterManagedInstance", self._register, _proof_of_its_own),
            Operation("ssm", "RequestManagedInstanceRoleToken", self._token, _proof_of_its_own),
            Operation("ssm", "UpdateManagedInstancePublicKey", self._update_key, _proof_of_its_own),
            Operation("ssm", "DeregisterManagedInstance", self._deregister, self._access),
            Operation("ssm", "UpdateManagedInstanceRole", self._update_role, self._role_access),
        ]

    def key(self, instance_id: str, region: str) -> tuple[str, Principal]:
        """Return the public key of a hybrid node, and who it is. Raises InvalidInstanceId."""
        node = self._registry.hybrid(instance_id)
        if node is None or node.region != region:
            raise _unknown(instance_id)
        return node.public_key, Principal(kind="node", account=node.account, arn=self._arn(node), access_key=instance_id)

    def _register(self, request: Request) -> Output:
        params = request.params
        if unsupported := [name for name in ("IamRole", "Provider", "Tags") if params.get(name)]:
            # AWS: how machines of other clouds and containers register, signed by a role instead of an activation.
            raise AwsError("ValidationException", f"Only registration with an activation is supported, without {unsupported}.")
        _check_key(params["PublicKey"], params.get("PublicKeyType", "Rsa"))
        activation = self._activations.redeemed(params["ActivationId"], params["ActivationCode"])
        node = self._node(activation, params["Fingerprint"], params["PublicKey"])
        self._registry.keep(node)
        return {"InstanceId": node.instance_id}

    def _node(self, activation: Activation, fingerprint: str, public_key: str) -> Node:
        return Node(
            instance_id=self._fresh_id(activation),
            account=activation.account,
            region=activation.region,
            computer_name="",
            ip_address="",
            platform_type="",
            platform_name="",
            platform_version="",
            role=activation.role,
            secret="",
            architecture="",
            agent_version="",
            source="ManagedInstance",
            registered=self._kernel.now(),
            name=activation.default_name,
            activation_id=activation.activation_id,
            fingerprint=fingerprint,
            public_key=public_key,
            # AWS: API CreateActivation, Tags: given to the nodes that are registered with it.
            tags=dict(activation.tags),
        )

    def _fresh_id(self, activation: Activation) -> str:
        for reserved in activation.reserved:
            if self._registry.hybrid(reserved) is None:
                return reserved
        while self._registry.hybrid(drawn := f"mi-{ids.hexadecimal(self._kernel.dice, 17)}") is not None:
            pass
        return drawn

    def _signer(self, request: Request) -> Node:
        """Return the node that signed with its own key. Raises AccessDenied."""
        node = self._registry.hybrid(request.principal.access_key) if request.principal.kind == "node" else None
        if node is None:
            # DEVIATES: AWS also lets an EC2 instance ask for the role of the default host management; there is none here.
            raise AccessDenied(f"Systems Manager's instance management role is not configured for account: {request.account}")
        return node

    def _token(self, request: Request) -> Output:
        node = self._signer(request)
        if not hmac.compare_digest(node.fingerprint.encode(), request.params["Fingerprint"].encode()):
            raise AwsError("MachineFingerprintDoesNotMatch", f"The fingerprint is not that of {node.instance_id}.")
        # ASSUMED: a role that is gone, or trusts Systems Manager no more, is AccessDenied; the agent asks again in half an hour.
        session = self._roles.session(node.account, node.region, node.role, node.instance_id)
        return {
            "AccessKeyId": session["AccessKeyId"],
            "SecretAccessKey": session["SecretAccessKey"],
            "SessionToken": session["SessionToken"],
            "TokenExpirationDate": session["Expiration"],
            # ASSUMED: AWS asks for a new key pair when it wants one; nothing here ever makes an old one bad.
            "UpdateKeyPair": False,
        }

    def _update_key(self, request: Request) -> Output:
        node = self._signer(request)
        _check_key(request.params["NewPublicKey"], request.params["NewPublicKeyType"])
        node.public_key = request.params["NewPublicKey"]
        self._registry.keep(node)
        return {}

    # What people do

    def _access(self, request: Request) -> list[Access]:
        instance_id = request.params["InstanceId"]
        partition = self._kernel.settings.partition
        arn = f"arn:{partition}:ssm:{request.region}:{request.account}:managed-instance/{instance_id}"
        return [Access(f"ssm:{request.operation}", arn)]

    def _role_access(self, request: Request) -> list[Access]:
        return [*self._access(request), self._activations.passing(request)]

    def _own(self, request: Request) -> Node:
        wanted = request.params["InstanceId"]
        node = self._registry.find(request.account, request.region, wanted)
        if node is None or node.source != "ManagedInstance":
            raise _unknown(wanted)
        return node

    def _deregister(self, request: Request) -> Output:
        node = self._own(request)
        self._registry.forget(node)
        self._kernel.announce(topic(node.instance_id))  # whoever serves its control channel finds that it is over
        return {}

    def _update_role(self, request: Request) -> Output:
        node, role = self._own(request), request.params["IamRole"]
        self._activations.check_role(request.account, request.region, role)
        if role != node.role:
            node.former_roles, node.role = [*node.former_roles, node.role], role
            self._registry.keep(node)
        return {}

    def _arn(self, node: Node) -> str:
        return f"arn:{self._kernel.settings.partition}:ssm:{node.region}:{node.account}:managed-instance/{node.instance_id}"


def _unknown(instance_id: str) -> AwsError:
    # AWS: the sentence is seen in public agent logs of nodes that were deregistered.
    return AwsError("InvalidInstanceId", f"Not existing InstanceId {instance_id}")


def _proof_of_its_own(_request: Request) -> list[Access]:
    """No policy speaks of these: an activation's code, or the node's own signature, is the permission."""
    return []


def _check_key(text: str, kind: str) -> None:
    if kind not in KEY_TYPES:
        raise AwsError("ValidationException", f"PublicKeyType must be one of {', '.join(KEY_TYPES)}, found {kind!r}.")
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if len(content) < KEY_BYTES_MIN:
        raise AwsError("ValidationException", "The public key is not the base64 form of a key.")
