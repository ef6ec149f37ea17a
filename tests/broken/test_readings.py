"""What is not known of AWS, and would let a broken package end in another way."""

from pathlib import Path

from broken.forcing import SPEC, Force
from broken.packages import ROWS, DocumentFailed
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec


def test_where_distributor_compares_checksums_a_changed_zip_fails_the_document(tmp_path: Path) -> None:
    """Assumed: reading attachment-checksum=service-compares; then no node is reached."""
    (row,) = (row for row in ROWS if row.id == "changed-zip")
    with Simulation(parse_spec(SPEC, "spec"), tmp_path, readings={"attachment-checksum": "service-compares"}) as simulation:
        ended = Force(simulation).push(row)
    assert isinstance(ended, DocumentFailed)
    assert ended.words.startswith("tool.zip: its sha256 is 92610e27e83f")
