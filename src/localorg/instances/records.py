"""What the small EC2 keeps: instances with their tags. Rows: "ec2.instance" by (account, region, instance id)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class InstanceSeed:
    """An EC2 instance that the spec brings into being. `name` becomes the tag Name unless the tags have one."""

    instance_id: str
    account: str
    region: str
    private_ip: str
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    instance_type: str = "t3.micro"
    image_id: str = "ami-00000000000000000"
    architecture: str = "x86_64"
    profile: str = ""
    """Name of the instance profile; empty: none."""
    windows: bool = False


@dataclass
class Instance:
    """An EC2 instance. Times are epoch seconds."""

    instance_id: str
    account: str
    region: str
    private_ip: str
    tags: dict[str, str]
    instance_type: str
    image_id: str
    architecture: str
    profile: str
    windows: bool
    reservation_id: str
    launched: float
    state: str = "running"
    transition: str = ""
    """The alarm at which the instance reaches the state that it is changing to."""
    changed: float = 0.0
    """When somebody last asked for another state."""
