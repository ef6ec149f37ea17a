"""Trusted keys are replaced by two stack updates, while every run in between succeeds."""

import pytest

from attacks.stage import Stage
from localorg.server.simulation.organization import Simulation
from simulation.signing import new_key, publish_signed
from simulation.solution import NAME, Operator, Packages, spec


def test_a_new_key_takes_over_from_an_old_one(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both are trusted for a while, then the new one alone: from then on what only the old one has signed is refused, old versions too."""
    with Simulation(spec(), tmp_path_factory.mktemp("world")) as simulation:
        stage = Stage.of(Operator(simulation, packages))
        old, new = stage.theirs, new_key(stage.operator)
        publish_signed(stage.operator, "1.2.0", new, floor="1.1.0")
        assert f"{old.arn}: no signature is of it" in stage.run("1.2.0")
        stage.trust(old, new)
        for version in ("1.1.0", "1.2.0"):  # the old key's release, and the new key's
            assert stage.run(version) == ""
        stage.trust(new)
        assert stage.run("1.2.0") == ""
        publish_signed(stage.operator, "1.3.0", old)
        before = stage.picture()
        for version in ("1.1.0", "1.3.0"):
            assert f"{NAME} {version} has 0 valid signatures of trusted keys" in stage.run(version)
        assert stage.picture() == before
        publish_signed(stage.operator, "1.3.0", old, new)
        assert stage.run("1.3.0") == ""
        assert set(stage.operator.markers().values()) == {"1.3.0"}


def test_a_stack_without_keys_asks_for_no_signature_and_says_so(
    packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The trust root goes as it came, by a stack update, and the outputs of each run tell which it was."""
    with Simulation(spec(), tmp_path_factory.mktemp("world")) as simulation:
        stage = Stage.of(Operator(simulation, packages))
        stage.trust()
        stage.operator.publish("1.2.0")
        run = stage.operator.distribute(stage.operator.wish("1.2.0"))
        assert run["Outputs"]["verifyRelease.verified"] == ["no signature is asked for: the stack's TrustedKeys is empty"]
        assert stage.floors() == ["1.0.0", "1.1.0"]
        with pytest.raises(AssertionError, match="TrustThreshold asks for more signatures than TrustedKeys has keys"):
            stage.trust(stage.ours, threshold=2)
        stage.trust(stage.ours)
        assert "the lowest version that may be published" in stage.run("1.0.0")
