"""The documents that AWS brings to every account and Region: written here, after the public descriptions of their parameters.

Each JSON file of this folder is one document, named as the file; it is read once, at start.
"""

import json
from importlib import resources

OWNER = "Amazon"
"""AWS: API DocumentIdentifier.Owner of documents that AWS made."""


def contents() -> dict[str, str]:
    """Return {document name: JSON content}, sorted by name."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    texts = {file.name.removesuffix(".json"): file.read_text("utf-8") for file in files if file.name.endswith(".json")}
    return {name: json.dumps(json.loads(text), indent=2) for name, text in texts.items()}
