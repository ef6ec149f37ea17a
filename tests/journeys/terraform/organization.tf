data "aws_organizations_organization" "this" {}

data "aws_organizations_organizational_units" "top" {
  parent_id = local.root
}

data "aws_organizations_organizational_unit" "workloads" {
  parent_id = local.root
  name      = "Workloads"
}

data "aws_organizations_organizational_unit_child_accounts" "workloads" {
  parent_id = data.aws_organizations_organizational_unit.workloads.id
}

data "aws_organizations_organizational_unit_descendant_accounts" "all" {
  parent_id  = local.root
  depends_on = [aws_organizations_account.new]
}

data "aws_organizations_organizational_unit_descendant_organizational_units" "all" {
  parent_id = local.root
}

data "aws_organizations_delegated_administrators" "all" {
  depends_on = [aws_organizations_delegated_administrator.shop]
}

data "aws_organizations_delegated_services" "shop" {
  account_id = aws_organizations_delegated_administrator.shop.account_id
}

locals {
  root = data.aws_organizations_organization.this.roots[0].id
  org  = data.aws_organizations_organization.this.id
  shop = one([for account in data.aws_organizations_organization.this.accounts : account.id if account.name == "shop"])
}

resource "aws_organizations_organizational_unit" "new" {
  name      = "New"
  parent_id = local.root
}

resource "aws_organizations_organizational_unit" "inner" {
  name      = "Inner ${var.message}"
  parent_id = aws_organizations_organizational_unit.new.id
}

resource "aws_organizations_account" "new" {
  name  = "new"
  email = "new@example.com"
  # It moves with the change: closed, an account stays in its unit, which could not be deleted then.
  parent_id = var.message == "one" ? aws_organizations_organizational_unit.new.id : local.root
  # AWS keeps a new account for four days; closed, it counts as destroyed.
  close_on_deletion = true
}

resource "aws_organizations_delegated_administrator" "shop" {
  account_id        = local.shop
  service_principal = "ssm.amazonaws.com"
}

resource "aws_organizations_policy" "guard" {
  name        = "tf-guard"
  description = "Nobody leaves"
  type        = "SERVICE_CONTROL_POLICY"
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Stay", Effect = "Deny", Action = ["organizations:LeaveOrganization"], Resource = "*" }]
  })
  tags = { Message = var.message }
}

resource "aws_organizations_policy_attachment" "unit" {
  policy_id = aws_organizations_policy.guard.id
  target_id = aws_organizations_organizational_unit.new.id
}

resource "aws_organizations_policy_attachment" "account" {
  policy_id = aws_organizations_policy.guard.id
  target_id = local.shop
}

resource "aws_organizations_resource_policy" "this" {
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Read"
      Effect    = "Allow"
      Principal = { AWS = "arn:${data.aws_partition.here.partition}:iam::${local.shop}:root" }
      Action    = ["organizations:DescribeAccount", "organizations:ListAccounts"]
      Resource  = "*"
    }]
  })
}

data "aws_organizations_policies" "guards" {
  filter     = "SERVICE_CONTROL_POLICY"
  depends_on = [aws_organizations_policy.guard]
}

data "aws_organizations_policy" "guard" {
  policy_id = aws_organizations_policy.guard.id
}

data "aws_organizations_policies_for_target" "shop" {
  target_id  = local.shop
  filter     = "SERVICE_CONTROL_POLICY"
  depends_on = [aws_organizations_policy_attachment.account]
}

data "aws_organizations_resource_tags" "shop" {
  resource_id = local.shop
}

output "accounts" { value = data.aws_organizations_organizational_unit_descendant_accounts.all.accounts[*].name }
output "delegates" { value = data.aws_organizations_delegated_administrators.all.delegated_administrators[*].name }
