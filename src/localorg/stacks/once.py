"""ClientRequestToken: a request that is sent again with its token has no second effect.

Flow: (stack, request) -> `seen` -> True when the stack has had this very request -> `remember` after it was accepted.
Rules: a token that comes with another request is refused (TokenAlreadyExistsException).
"""

import hashlib
import json

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request
from localorg.stacks.records import StackRecord


def token_of(request: Request) -> str:
    """Return the token of a request, or an empty string."""
    return str(request.params.get("ClientRequestToken", ""))


def seen(request: Request, stack: StackRecord) -> bool:
    """Say whether the stack has had this request. Raises TokenAlreadyExistsException when its token came with another one."""
    known = stack.tokens.get(token_of(request))
    if known is None:
        return False
    if known != _fingerprint(request):
        # ASSUMED: the sentence; AWS documents the error for a token that is known.
        raise AwsError(
            "TokenAlreadyExistsException", f"A client request token already exists: {token_of(request)} came with another request"
        )
    return True


def remember(request: Request, stack: StackRecord) -> None:
    """Keep the token of a request that was accepted."""
    if token_of(request):
        stack.tokens[token_of(request)] = _fingerprint(request)


def _fingerprint(request: Request) -> str:
    params = {key: value for key, value in request.params.items() if key not in ("ClientRequestToken", "StackName")}
    words = json.dumps([request.operation, params], sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()
