"""aws:loop: for each, and do while."""

from automation.harness import Harness, book, output, script, step


def test_for_each_runs_the_steps_once_per_item() -> None:
    """Documented: automation-action-loop, "for each"; API StepExecution.ParentStepDetails."""
    house = Harness()
    inner = script(
        "greet",
        "return {'said': 'hi ' + events['who']}",
        {"who": "{{ each.CurrentIteratorValue }}"},
        outputs=[output("said", "$.Payload.said")],
        isEnd=True,
    )
    content = book(
        step("each", "aws:loop", {"Iterators": "{{ Names }}", "IteratorDataType": "String", "Steps": [inner]}),
        script(
            "after", "return {'last': events['last']}", {"last": "{{ greet.said }}"}, outputs=[output("last", "$.Payload.last")]
        ),
        parameters={"Names": {"type": "StringList"}},
        outputs=["after.last"],
    )
    made = house.run(content, Parameters={"Names": ["ann", "bob"]})
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["Outputs"] == {"after.last": ["hi bob"]}
    shown = [(one["StepName"], one.get("ParentStepDetails", {}).get("IteratorValue")) for one in made["StepExecutions"]]
    assert shown == [("each", None), ("greet", "ann"), ("greet", "bob"), ("after", None)]


def test_do_while_goes_on_as_long_as_the_condition_holds() -> None:
    """Documented: automation-action-loop, "do while": the condition is tested after each pass."""
    house = Harness()
    look = script(
        "look",
        "return {'state': 'Waiting' if events['n'] < 3 else 'Done', 'wait': 'PT10S'}",
        {"n": "{{ until.CurrentIteration }}"},
        outputs=[output("state", "$.Payload.state"), output("wait", "$.Payload.wait")],
    )
    pause = step("pause", "aws:sleep", {"Duration": "{{ look.wait }}"}, isEnd=True)
    condition = {"Variable": "{{ look.state }}", "StringEquals": "Waiting"}
    content = book(step("until", "aws:loop", {"LoopCondition": condition, "MaxIterations": 50, "Steps": [look, pause]}))
    began = house.kernel.now()
    execution_id = house.start(content)
    house.pass_time(1_000)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == "Success"
    assert [one["StepName"] for one in made["StepExecutions"]] == ["until", *["look", "pause"] * 3]
    assert made["ExecutionEndTime"] - began == 30


def test_max_iterations_end_a_loop_whose_condition_still_holds() -> None:
    """Assumed: that is no failure."""
    house = Harness()
    inputs = {"LoopCondition": {"Variable": "a", "StringEquals": "a"}, "MaxIterations": 4, "Steps": [script("turn", "return {}")]}
    made = house.run(book(step("round", "aws:loop", inputs)))
    assert made["AutomationExecutionStatus"] == "Success"
    assert len(house.scripts.jobs) == 4


def test_a_failure_inside_fails_the_loop_with_its_cause() -> None:
    """Documented: automation-action-loop: the loop reacts to onFailure of its steps; Abort is the default."""
    house = Harness()
    inner = script("try", "raise RuntimeError('no ' + events['x'])", {"x": "{{ each.CurrentIteratorValue }}"})
    made = house.run(book(step("each", "aws:loop", {"Iterators": ["one", "two"], "Steps": [inner]})))
    assert made["AutomationExecutionStatus"] == "Failed"
    assert len(house.scripts.jobs) == 1
    assert "RuntimeError: no one." in made["FailureMessage"]


def test_continue_inside_lets_the_loop_go_on() -> None:
    """Documented: automation-action-loop: the loop inherits onFailure of its steps."""
    house = Harness()
    inner = script("try", "raise RuntimeError('x')", onFailure="Continue")
    made = house.run(book(step("each", "aws:loop", {"Iterators": [1, 2, 3], "IteratorDataType": "Integer", "Steps": [inner]})))
    assert made["AutomationExecutionStatus"] == "Success"
    assert len(house.scripts.jobs) == 3


def test_an_empty_list_is_no_pass_at_all() -> None:
    """Assumed: nothing to iterate over is a success."""
    content = book(
        step("each", "aws:loop", {"Iterators": "{{ Names }}", "Steps": [script("never", "return {}")]}),
        parameters={"Names": {"type": "StringList", "default": []}},
    )
    assert Harness().run(content)["AutomationExecutionStatus"] == "Success"


def test_a_time_out_of_the_loop_ends_the_step_inside() -> None:
    """Documented: automation-actions, timeoutSeconds is a property of every action."""
    house = Harness()
    inputs = {"Iterators": ["a"], "Steps": [step("nap", "aws:sleep", {"Duration": "PT1H"})]}
    made = house.run(book(step("each", "aws:loop", inputs, timeoutSeconds=60)))
    assert made["AutomationExecutionStatus"] == "TimedOut"
    assert [one["StepStatus"] for one in made["StepExecutions"]] == ["TimedOut", "Cancelled"]


def test_what_an_earlier_pass_gave_is_gone_when_a_later_one_fails() -> None:
    """Assumed: a failed step has no outputs, whatever it gave in the pass before."""
    make = script(
        "make",
        "return {'made': {'a': 'A'}[events['of']]}",
        {"of": "{{ each.CurrentIteratorValue }}"},
        outputs=[output("made", "$.Payload.made")],
        onFailure="Continue",
    )
    note = script("note", "return events", {"made": "{{ make.made }}"})
    made = Harness().run(book(step("each", "aws:loop", {"Iterators": ["a", "b"], "Steps": [make, note]})))
    statuses = [(one["StepName"], one["StepStatus"]) for one in made["StepExecutions"]]
    assert statuses == [("each", "Failed"), ("make", "Success"), ("note", "Success"), ("make", "Failed"), ("note", "Failed")]
    assert "{{ make.made }} has no value" in made["FailureMessage"]
