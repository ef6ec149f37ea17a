"""What State Manager needs of others, as types."""

from collections.abc import Callable

from localorg.protocol.calls import Principal

ServiceLinkedRole = Callable[[str, str], Principal]
"""(account, service name) -> a session of the role that the account has for that service."""
