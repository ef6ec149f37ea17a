"""One run of a script, without a sandbox around it: what its errors look like."""

import json
from pathlib import Path

from localorg.server.script_run import call_handler


def test_an_error_shows_the_script_s_own_lines() -> None:
    """Observed: AWS shows a traceback in FailureMessage; ours begins at the script, and type and message come first."""
    script = "def handler(events, context):\n    return inner()\ndef inner():\n    raise KeyError('expected')\n"
    error = call_handler(script, "handler", {}).error
    assert error.startswith("KeyError: 'expected'\nTraceback (most recent call last):\n  File \"script.py\", line 2, in handler")
    assert "script_run" not in error


def test_an_error_does_not_tell_where_this_machine_keeps_python() -> None:
    """A runbook's FailureMessage is read by whoever may read the execution; where packages lie here is none of their business."""
    script = "import json\ndef handler(events, context):\n    return json.loads('{')\n"
    error = call_handler(script, "handler", {}).error
    assert '  File "json/__init__.py", line' in error
    assert str(Path(json.__file__).parent) not in error


def test_a_payload_is_measured_in_bytes_as_it_travels() -> None:
    """Documented: automation-action-executeScript: 100 KB. A letter that needs two bytes counts two, not the six of its escape."""
    script = "def handler(events, context):\n    return '\u00e9' * events['n']\n"
    assert call_handler(script, "handler", {"n": 51_199}).error == ""
    assert (
        call_handler(script, "handler", {"n": 51_200}).error == "the script returned 102402 bytes; a payload has at most 102400"
    )
