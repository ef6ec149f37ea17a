"""What nodes say in a trial."""

import base64
import gzip

from csd.package.trial.judging import Said

ROLLED_BACK = Said("Failed", "Failed to install x 2, successfully rolled back to x 1", "failed to run commands: exit status 17")


def packed(*paths: str, lines: tuple[str, ...] = ()) -> str:
    """A look: plain files by path, and whatever lines."""
    text = "\n".join([*(f"E 81a4 0:0 5 100 100 0 {path}" for path in paths), *lines, "Z"]) + "\n"
    return "csd-snapshot 2 1000 500 1\n" + base64.b64encode(gzip.compress(text.encode())).decode() + "\n"
