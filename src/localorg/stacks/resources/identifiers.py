"""What identifies a resource to CloudFormation: the primary identifiers of the types' schemas, which an import would ask for.

AWS: API reference, ResourceIdentifierSummary; the types' schemas in the CloudFormation registry. Types that cannot be imported are missing.
"""

IDENTIFIERS: dict[str, tuple[str, ...]] = {
    "AWS::CloudFormation::Stack": ("StackId",),
    "AWS::CloudFormation::StackSet": ("StackSetId",),
    "AWS::IAM::Group": ("GroupName",),
    "AWS::IAM::GroupPolicy": ("PolicyName", "GroupName"),
    "AWS::IAM::InstanceProfile": ("InstanceProfileName",),
    "AWS::IAM::ManagedPolicy": ("PolicyArn",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::IAM::RolePolicy": ("PolicyName", "RoleName"),
    "AWS::IAM::ServiceLinkedRole": ("RoleName",),
    "AWS::IAM::User": ("UserName",),
    "AWS::IAM::UserPolicy": ("PolicyName", "UserName"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::KMS::Key": ("KeyId",),
    "AWS::Organizations::Account": ("AccountId",),
    "AWS::Organizations::OrganizationalUnit": ("Id",),
    "AWS::Organizations::Policy": ("Id",),
    "AWS::Organizations::ResourcePolicy": ("Id",),
    "AWS::ResourceGroups::Group": ("Name",),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SSM::Association": ("AssociationId",),
    "AWS::SSM::Document": ("Name",),
    "AWS::SSM::Parameter": ("Name",),
}
