"""Whether the change calendars of an association let it run now.

AWS: API CreateAssociation.CalendarNames, "The associations only run when that change calendar is open"; AmazonSSMServiceRolePolicy has
ssm:GetCalendarState.
"""

from localorg.associations.targets import Ask
from localorg.kernel.errors import AwsError


def closed(ask: Ask, calendars: list[str]) -> str:
    """Return why the association may not run now; empty when it may."""
    if not calendars:
        return ""
    try:
        state = ask("ssm", "GetCalendarState", {"CalendarNames": calendars})["State"]
    except AwsError as refusal:
        # ASSUMED: a calendar that cannot be read is as good as a closed one.
        return f"{refusal.code}: {refusal.message}"
    return "" if state == "OPEN" else f"the change calendar is CLOSED ({', '.join(calendars)})"
