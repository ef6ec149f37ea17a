"""Lists of accounts that lie in S3: DeploymentTargets' AccountsUrl, in place of Accounts.

Flow: request -> the file, fetched under the caller's rights -> DeploymentTargets with the accounts of the file.
Rules: a .csv or .txt file of account ids, set apart by commas or new lines; not beside Accounts.

AWS: CloudFormation API reference, DeploymentTargets, AccountsUrl.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from localorg.protocol.calls import Output, Request
from localorg.stacks.template import invalid

SUFFIXES = (".csv", ".txt")
ACCOUNT = re.compile(r"[0-9]{12}")


class AccountLists:
    """Reads lists of accounts. `fetch` gives the text behind a URL, or raises Wait."""

    def __init__(self, fetch: Callable[[Request, str], str]) -> None:
        self._fetch = fetch

    def targets(self, request: Request) -> Output:
        """Return DeploymentTargets of a request, with the accounts that it names by a file; {} without any. Raises ValidationError."""
        targets = request.params.get("DeploymentTargets")
        if targets is None or "AccountsUrl" not in targets:
            return {"DeploymentTargets": targets} if targets is not None else {}
        if targets.get("Accounts"):
            raise invalid("You can specify Accounts or AccountsUrl in DeploymentTargets, but not both")
        url = targets["AccountsUrl"]
        if not urlsplit(url).path.endswith(SUFFIXES):
            # ASSUMED: the words; AWS takes .csv and .txt files.
            raise invalid(f"AccountsUrl must name a {' or '.join(SUFFIXES)} file, not {url}")
        return {"DeploymentTargets": {**targets, "Accounts": _accounts(self._fetch(request, url), url)}}


def _accounts(text: str, url: str) -> list[str]:
    listed = [account.strip() for account in re.split(r"[,\n]", text) if account.strip()]
    wrong = [account for account in listed if not ACCOUNT.fullmatch(account)]
    if wrong or not listed:
        # ASSUMED: the words.
        raise invalid(f"{url} lists no accounts" if not listed else f"{url} lists what is no account id: {', '.join(wrong[:5])}")
    return listed
