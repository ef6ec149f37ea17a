"""The actions that runbooks may use: one module each, found here by name.

AWS: user guide, automation-actions. What AWS has beyond these is refused by name when a runbook is created.
"""

from localorg.automation.actions.action import Action
from localorg.automation.actions.approve import Approve
from localorg.automation.actions.aws_resource_property import AssertAwsResourceProperty, WaitForAwsResourceProperty
from localorg.automation.actions.branch import Branch
from localorg.automation.actions.change_instance_state import ChangeInstanceState
from localorg.automation.actions.create_tags import CreateTags
from localorg.automation.actions.execute_automation import ExecuteAutomation
from localorg.automation.actions.execute_aws_api import ExecuteAwsApi
from localorg.automation.actions.execute_script import ExecuteScript
from localorg.automation.actions.loop import Loop
from localorg.automation.actions.pause import Pause
from localorg.automation.actions.run_command import RunCommand
from localorg.automation.actions.sleep import Sleep
from localorg.automation.actions.stack_actions import CreateStack, DeleteStack
from localorg.automation.actions.update_variable import UpdateVariable

ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        ExecuteScript(),
        ExecuteAwsApi(),
        WaitForAwsResourceProperty(),
        AssertAwsResourceProperty(),
        Branch(),
        Loop(),
        Sleep(),
        RunCommand(),
        ExecuteAutomation(),
        UpdateVariable(),
        Approve(),
        Pause(),
        ChangeInstanceState(),
        CreateTags(),
        CreateStack(),
        DeleteStack(),
    )
}
KNOWN_TO_AWS = frozenset(
    {
        "aws:copyImage",
        "aws:createImage",
        "aws:deleteImage",
        "aws:executeStateMachine",
        "aws:invokeLambdaFunction",
        "aws:invokeWebhook",
        "aws:runInstances",
    }
)
"""What AWS has and localorg not, so that a refusal can say which of the two it is."""
