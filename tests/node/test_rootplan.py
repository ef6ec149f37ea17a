"""Plans of sandbox roots: the order of their steps decides what is seen."""

from localorg.node.rootplan import Bind, HostFacts, Tmpfs, read_only_root_plan


def test_a_piece_below_a_private_place_is_shown_there() -> None:
    """A checkout in /tmp is seen by script workers: it is bound after the private /tmp, not before."""
    facts = HostFacts((("/", "ext4"),), ("usr", "tmp"), ())
    steps = read_only_root_plan("/mnt/root", ("/usr", "/tmp/checkout/site-packages"), facts).steps
    places = [step.target for step in steps if isinstance(step, Bind | Tmpfs)]
    assert places.index("/usr") < places.index("/tmp") < places.index("/tmp/checkout/site-packages")
