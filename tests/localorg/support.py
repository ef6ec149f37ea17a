"""Real classes that stand in for identity and the models where a test is about an engine alone."""

from localorg.protocol.calls import Access, Params, Principal


class AllowAll:
    """An authoriser that lets everybody do everything."""

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Allow."""


def no_validation(service: str, operation: str, params: Params) -> None:
    """A validator that accepts every request."""
