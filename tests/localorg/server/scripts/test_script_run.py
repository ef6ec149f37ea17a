"""One run of a script, without a sandbox around it: what its errors look like."""

from localorg.server.script_run import call_handler


def test_an_error_shows_the_script_s_own_lines() -> None:
    """Observed: AWS shows a traceback in FailureMessage; ours begins at the script, and type and message come first."""
    script = "def handler(events, context):\n    return inner()\ndef inner():\n    raise KeyError('expected')\n"
    error = call_handler(script, "handler", {}).error
    assert error.startswith("KeyError: 'expected'\nTraceback (most recent call last):\n  File \"script.py\", line 2, in handler")
    assert "script_run" not in error
