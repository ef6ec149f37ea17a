# Centralized Software Distributor itself, as somebody with Terraform launches it.
resource "aws_cloudformation_stack" "product" {
  name         = "CentralizedSoftwareDistributor"
  template_url = "https://${aws_s3_bucket.packages.bucket_regional_domain_name}/${aws_s3_object.product.key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  parameters = {
    ManagementAccountId = data.aws_organizations_organization.this.master_account_id
    DeploymentTargets   = data.aws_organizations_organizational_unit.workloads.id
  }
}

resource "aws_ssm_association" "product" {
  name                        = "CSD-AddSoftwarePackageToDistributor"
  association_name            = "csd-association"
  schedule_expression         = "cron(0 3 ? * SUN *)"
  apply_only_at_cron_interval = true
  parameters = {
    targetAccounts       = data.aws_organizations_organizational_unit.workloads.id
    targetRegions        = data.aws_region.here.name
    maxConcurrency       = "4"
    maxErrors            = "4"
    action               = "Install"
    installationType     = "Uninstall and reinstall"
    name                 = "csd-hello"
    version              = "1.0.0"
    additionalArguments  = "{}"
    AutomationAssumeRole = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.me.account_id}:role/CSD-SystemsManager-AutomationAdministrationRole"
    bucketName           = aws_s3_bucket.packages.id
    bucketPrefix         = "csd-hello"
  }
  depends_on = [aws_cloudformation_stack.product]
}
