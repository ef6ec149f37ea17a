"""AWS::IAM::RolePolicy, AWS::IAM::UserPolicy and AWS::IAM::GroupPolicy: one inline policy of one holder.

AWS: CloudFormation template reference, the types of those names; Ref gives POLICY|HOLDER. # ASSUMED: for lack of a documented form
"""

from localorg.stacks.resources.iam import IAM_CAPABILITY, document, live_document, unless_gone
from localorg.stacks.resources.kinds import Ask, Made, Reading, Resource, ResourceType, Steps, Work, replaced_by


def _type(word: str) -> ResourceType:
    holder = f"{word}Name"

    def named(work: Work) -> dict[str, str]:
        return {holder: work.properties[holder], "PolicyName": work.properties["PolicyName"]}

    def put(work: Work) -> Steps:
        text = document(work.properties["PolicyDocument"])
        yield Ask("iam", f"Put{word}Policy", {**named(work), "PolicyDocument": text})
        physical_id = work.physical_id or f"{work.properties['PolicyName']}|{work.properties[holder]}"
        if not work.physical_id:
            yield Made(physical_id)
        return Resource(physical_id)

    def delete(work: Work) -> Steps:
        yield from unless_gone(Ask("iam", f"Delete{word}Policy", named(work)))
        return Resource(work.physical_id)

    def read(work: Work) -> Reading:
        found = yield Ask("iam", f"Get{word}Policy", named(work))
        return {**named(work), "PolicyDocument": live_document(found["PolicyDocument"])}

    return ResourceType(
        name=f"AWS::IAM::{word}Policy",
        properties=frozenset({holder, "PolicyName", "PolicyDocument"}),
        required=frozenset({holder, "PolicyName", "PolicyDocument"}),
        create=put,
        update=put,
        delete=delete,
        read=read,
        replacing=replaced_by(holder, "PolicyName"),
        capability=lambda _properties: IAM_CAPABILITY,
    )


ROLE_POLICY, USER_POLICY, GROUP_POLICY = _type("Role"), _type("User"), _type("Group")
