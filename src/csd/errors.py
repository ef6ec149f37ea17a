"""The three families of error: who must act decides the type, the words say what to do.

    CsdInputError   you asked for something wrong: one or many problems, each with place and remedy   exit 2
    AwsRefused      AWS said no: service, operation, code, account, Region and AWS's own sentence     exit 1
    AssertionError  we are broken: let it crash, report it

Rules: a CsdInputError reports every problem that was found, not the first; only csd.aws raises AwsRefused.
Refuses to know: how errors are shown (csd.cli).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: `where` it stands, `what` is wrong with it, and the `remedy`."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.remedy}".rstrip()


class CsdInputError(Exception):
    """What the operator gave cannot work; carries all problems at once."""

    def __init__(self, problems: list[Problem]) -> None:
        if not problems:
            raise AssertionError("a CsdInputError needs at least one problem")
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class AwsRefused(Exception):
    """AWS answered with an error, or could not be asked at all: then `operation` is ''. `account` and `region` may be ''."""

    def __init__(
        self, *, service: str, operation: str, code: str, said: str, account: str = "", region: str = "", advice: str = ""
    ) -> None:
        self.service, self.operation, self.code, self.said = service, operation, code, said
        self.account, self.region = account, region
        place = " in ".join(part for part in (f"account {account}" if account else "", region) if part)
        what = f"{service}:{operation}" if operation else service
        how = "was refused" if operation else "could not be asked"
        words = f"{said.rstrip('.')}. {advice}" if advice else said
        super().__init__(f"{what}{f' ({place})' if place else ''} {how}: {code}: {words}")
