"""The documents that AWS brings to every account and Region: written here, after the public descriptions of their parameters.

Each JSON file of this folder is one document, named as the file; it is read once, at start.
"""

import json
from importlib import resources

OWNER = "Amazon"
"""AWS: API DocumentIdentifier.Owner of documents that AWS made."""
HOSTS = "amazonaws.com"
"""How AWS's host names end in the texts of this folder; those of another partition are put in their place."""
CONFIGURE_PACKAGE, DOWNLOAD_FOLDER = "AWS-ConfigureAWSPackage", "createDownloadFolder"


def contents(download_folder_step: str = "windows-only", dns_suffix: str = HOSTS) -> dict[str, str]:
    """Return {document name: JSON content}, sorted by name. The first argument answers the question download-folder-step."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    texts = {file.name.removesuffix(".json"): file.read_text("utf-8") for file in files if file.name.endswith(".json")}
    documents = {name: json.loads(text.replace(f".{HOSTS}/", f".{dns_suffix}/")) for name, text in texts.items()}
    if download_folder_step == "absent":
        package = documents[CONFIGURE_PACKAGE]
        package["mainSteps"] = [step for step in package["mainSteps"] if step["name"] != DOWNLOAD_FOLDER]
    return {name: json.dumps(document, indent=2) for name, document in documents.items()}
