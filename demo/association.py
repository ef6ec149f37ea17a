"""The create-association command of the article, filled in: every placeholder is replaced, lists are joined with `","`."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

TEXT = (Path(__file__).parent / "association.txt").read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class AssociationCall:
    """What fills the placeholders. `extra` adds parameters that the article does not know (the delivery time-out)."""

    target_accounts: Sequence[str]
    target_regions: Sequence[str]
    package: str
    version: str
    role_arn: str
    bucket: str
    prefix: str = ""
    action: str = "Install"
    installation_type: str = "Uninstall and reinstall"
    arguments: dict[str, str] = field(default_factory=dict)
    max_concurrency: str = "4"
    max_errors: str = "4"
    extra: dict[str, str] = field(default_factory=dict)
    text: str = TEXT
    """The command with its placeholders."""

    def command(self) -> list[str]:
        """Return the article's command, as its words."""
        inner = json.dumps(self.arguments, separators=(",", ":"))[1:-1]
        text = self.text
        for placeholder, value in (
            ("TARGET_ACCOUNTS", '","'.join(self.target_accounts)),
            ("TARGET_REGIONS", '","'.join(self.target_regions)),
            ("MAX_CONCURRENCY", self.max_concurrency),
            ("MAX_ERRORS", self.max_errors),
            ("ADDITIONAL_ARGUMENTS", json.dumps(inner)[1:-1]),
            ('"ACTION"', f'"{self.action}"'),
            ("INSTALLATION_TYPE", self.installation_type),
            ("PACKAGE_NAME", self.package),
            ('"VERSION"', f'"{self.version}"'),
            ("AUTOMATION_ROLE_ARN", self.role_arn),
            ("S3_BUCKET_NAME", self.bucket),
            ("S3_BUCKET_PREFIX", self.prefix),
        ):
            text = text.replace(placeholder, value)
        words = shlex.split(text)
        place = words.index("--parameters") + 1
        if self.extra:
            more = ",".join(f"{json.dumps(name)}:[{json.dumps(value)}]" for name, value in self.extra.items())
            words[place] = f"{words[place][:-1]},{more}}}"
        return words

    def parameters(self) -> str:
        """Return the --parameters value, for update-association."""
        words = self.command()
        return words[words.index("--parameters") + 1]
