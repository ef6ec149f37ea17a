"""The order of steps and how executions end, told as short runbooks."""

from automation.harness import Harness, book, output, script, statuses, step


def test_steps_run_one_after_another_and_hand_values_on() -> None:
    """Documented: user guide, automation-actions: steps run in order; outputs of one are inputs of later ones."""
    house = Harness()
    made = house.run(
        book(
            script("first", "return {'n': events['x'] + 1}", {"x": 4}, outputs=[output("n", "$.Payload.n", "Integer")]),
            script(
                "second",
                "return {'double': events['n'] * 2}",
                {"n": "{{ first.n }}"},
                outputs=[output("d", "$.Payload.double", "Integer")],
            ),
            outputs=["second.d", "first.n"],
        )
    )
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"] == {"second.d": ["10"], "first.n": ["5"]}
    assert statuses(made) == {"first": "Success", "second": "Success"}
    assert made["StepExecutions"][0]["Inputs"]["InputPayload"] == '{"x":4}'


def test_a_failed_script_fails_the_run_and_its_words_come_first() -> None:
    """Observed: public reports show "Step fails when it is Poll action status for completion." around the script's error."""
    house = Harness()
    made = house.run(book(script("first", "raise ValueError('disk 7 is full')"), script("second", "return {}")))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert statuses(made) == {"first": "Failed", "second": "Pending"}
    assert made["FailureMessage"].startswith(
        "Step fails when it is Poll action status for completion. ValueError: disk 7 is full"
    )
    assert made["FailureMessage"].endswith("Please refer to Automation Service Troubleshooting Guide for more diagnosis details.")
    assert house.facts[-1]["status"] == "Failed"
    assert "disk 7 is full" in house.facts[-1]["failure_message"]


def test_branch_goes_where_the_first_true_choice_says() -> None:
    """Documented: user guide, automation-action-branch."""
    house = Harness()
    content = book(
        script("look", "return {'os': 'Linux'}", outputs=[output("os", "$.Payload.os")]),
        step(
            "which",
            "aws:branch",
            {
                "Choices": [
                    {"NextStep": "windows", "Variable": "{{ look.os }}", "StringEquals": "Windows"},
                    {
                        "NextStep": "linux",
                        "And": [
                            {"Variable": "{{ look.os }}", "StartsWith": "Lin"},
                            {"Not": {"Variable": 3, "NumericGreater": 5}},
                        ],
                    },
                ],
                "Default": "windows",
            },
        ),
        script("windows", "return {}", isEnd=True),
        script("linux", "return {}", isEnd=True),
    )
    made = house.run(content)
    assert statuses(made) == {"look": "Success", "which": "Success", "windows": "Pending", "linux": "Success"}
    assert made["StepExecutions"][1]["NextStep"] == "linux"


def test_a_branch_on_an_absent_output_takes_the_default() -> None:
    """Documented: automation-branch-condition branches on DescribeInstances' Platform, which Linux instances do not have."""
    house = Harness()
    content = book(
        script("look", "return {}", outputs=[output("os", "$.Payload.os")]),
        step(
            "which",
            "aws:branch",
            {"Choices": [{"NextStep": "windows", "Variable": "{{ look.os }}", "StringEquals": "w"}], "Default": "linux"},
        ),
        script("windows", "return {}", isEnd=True),
        script("linux", "return {}", isEnd=True),
    )
    assert statuses(house.run(content))["linux"] == "Success"


def test_a_branch_without_a_match_goes_on_with_the_next_step() -> None:
    """Documented: automation-action-branch: "then the automation processes the next step in the runbook"."""
    house = Harness()
    content = book(
        step("which", "aws:branch", {"Choices": [{"NextStep": "far", "Variable": "a", "StringEquals": "b"}]}),
        script("near", "return {}", isEnd=True),
        script("far", "return {}"),
    )
    assert statuses(house.run(content)) == {"which": "Success", "near": "Success", "far": "Pending"}


def test_sleep_takes_its_time_and_a_reference_as_duration() -> None:
    """Documented: automation-action-sleep, Duration in ISO 8601."""
    house = Harness()
    content = book(
        step("nap", "aws:sleep", {"Duration": "{{ Long }}"}), parameters={"Long": {"type": "String", "default": "PT2H"}}
    )
    execution_id = house.start(content)
    house.pass_time(7_199)
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "InProgress"
    house.pass_time(1)
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "Success"


def test_on_failure_goes_to_a_step_and_the_run_still_counts_as_failed() -> None:
    """Documented: automation-actions, onFailure and isCritical (true unless said otherwise)."""
    house = Harness()
    content = book(
        script("work", "raise KeyError('x')", onFailure="step:tidy"),
        script("never", "return {}"),
        script("tidy", "return {}"),
    )
    made = house.run(content)
    assert statuses(made) == {"work": "Failed", "never": "Pending", "tidy": "Success"}
    assert made["AutomationExecutionStatus"] == "Failed"


def test_continue_makes_a_failure_uncritical() -> None:
    """Documented: automation-actions, onFailure Continue: isCritical is false by default."""
    made = Harness().run(book(script("work", "raise KeyError('x')", onFailure="Continue"), script("after", "return {}")))
    assert statuses(made) == {"work": "Failed", "after": "Success"}
    assert made["AutomationExecutionStatus"] == "Success"


def test_max_attempts_tries_again_before_it_counts() -> None:
    """Documented: automation-actions, maxAttempts."""
    house = Harness()
    made = house.run(book(script("work", "raise KeyError('x')", maxAttempts=3)))
    assert len(house.scripts.jobs) == 3
    assert made["AutomationExecutionStatus"] == "Failed"
    assert len(made["StepExecutions"]) == 1


def test_a_time_out_ends_the_step_and_stops_the_script() -> None:
    """Documented: automation-handling-timeouts: the status is TimedOut."""
    house = Harness()
    house.scripts.hold = True
    made = house.run(book(script("work", "return {}", timeoutSeconds=30)))
    assert made["AutomationExecutionStatus"] == "TimedOut"
    assert made["FailureMessage"].startswith("Step timed out while it is Execute/Cancelling action.")
    assert len(house.scripts.stopped) == 1


def test_an_answer_after_the_end_changes_nothing() -> None:
    """A script that answers after its step has timed out does not alter the verdict."""
    house = Harness()
    house.scripts.hold = True
    execution_id = house.start(book(script("work", "return {}", timeoutSeconds=30)))
    house.pass_time(60)
    house.scripts.release(house.scripts.jobs[0])
    house.pass_time(60)
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "TimedOut"


def test_a_reference_without_a_value_fails_the_step_that_needs_it() -> None:
    """Assumed: the step fails in input validation, and the message names the reference."""
    made = Harness().run(
        book(script("look", "return {}", outputs=[output("x", "$.Payload.x")]), script("use", "return {}", {"x": "{{ look.x }}"}))
    )
    assert made["StepExecutions"][1]["FailureDetails"]["FailureStage"] == "InputValidation"
    assert "{{ look.x }} has no value: the step look gave no output x" in made["FailureMessage"]
