"""The AWS services that work with Organizations: which may have trusted access, which a delegated administrator, and how many.

AWS: Organizations user guide, "AWS services that you can use with AWS Organizations", and the quotas of each service.
ASSUMED: a service that began to work with Organizations after September 2026 is not recognized here, as AWS does with one it knows not.
"""

STACKSETS = "member.org.stacksets.cloudformation.amazonaws.com"
WITHOUT_ADMINISTRATOR = frozenset(
    {
        "aws-artifact-account-sync.amazonaws.com",
        "billing-cost-management.amazonaws.com",
        "controltower.amazonaws.com",
        "ds.amazonaws.com",
        "license-management.marketplace.amazonaws.com",
        "license-manager.member-account.amazonaws.com",
        "ram.amazonaws.com",
        "servicequotas.amazonaws.com",
        "tagpolicies.tag.amazonaws.com",
        "user-subscriptions.amazonaws.com",
        "wellarchitected.amazonaws.com",
    }
)
WITH_ADMINISTRATOR = frozenset(
    {
        "access-analyzer.amazonaws.com",
        "account.amazonaws.com",
        "auditmanager.amazonaws.com",
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "compute-optimizer.amazonaws.com",
        "config-multiaccountsetup.amazonaws.com",
        "config.amazonaws.com",
        "cost-optimization-hub.bcm.amazonaws.com",
        "detective.amazonaws.com",
        "devops-guru.amazonaws.com",
        "ec2.amazonaws.com",
        "fms.amazonaws.com",
        "guardduty.amazonaws.com",
        "health.amazonaws.com",
        "iam.amazonaws.com",
        "inspector2.amazonaws.com",
        "ipam.amazonaws.com",
        "license-manager-linux-subscriptions.amazonaws.com",
        "license-manager.amazonaws.com",
        "macie.amazonaws.com",
        "malware-protection.guardduty.amazonaws.com",
        "mgn.amazonaws.com",
        STACKSETS,
        "networkmanager.amazonaws.com",
        "notifications.amazonaws.com",
        "observabilityadmin.amazonaws.com",
        "private-marketplace.marketplace.amazonaws.com",
        "procurement-insights.marketplace.amazonaws.com",
        "reachabilityanalyzer.networkinsights.amazonaws.com",
        "reporting.trustedadvisor.amazonaws.com",
        "resource-explorer-2.amazonaws.com",
        "security-ir.amazonaws.com",
        "securityhub.amazonaws.com",
        "securitylake.amazonaws.com",
        "servicecatalog.amazonaws.com",
        "ssm-quicksetup.amazonaws.com",
        "ssm.amazonaws.com",
        "sso.amazonaws.com",
        "storage-lens.s3.amazonaws.com",
    }
)
RECOGNIZED = WITH_ADMINISTRATOR | WITHOUT_ADMINISTRATOR
ADMINISTRATORS_MAX = {
    STACKSETS: 5,
    "ssm.amazonaws.com": 1,
    "config.amazonaws.com": 3,
    "sso.amazonaws.com": 1,
    "guardduty.amazonaws.com": 1,
}
"""AWS: each service says how many delegated administrators it takes; CloudFormation user guide, "Register a delegated administrator":
five; Systems Manager user guide, "Configuring a delegated administrator for Explorer": one."""
ADMINISTRATORS_USUALLY = 50
"""ASSUMED: for services whose number is not listed above."""
