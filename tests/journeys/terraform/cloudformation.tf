resource "aws_cloudformation_stack" "own" {
  name         = "tf-own"
  parameters   = { Message = var.message, Names = "a,b" }
  capabilities = ["CAPABILITY_IAM"]
  on_failure   = "DELETE"
  policy_body = jsonencode({
    Statement = [{ Effect = "Allow", Action = "Update:*", Principal = "*", Resource = "*" }]
  })
  timeout_in_minutes = 5
  template_body      = <<-EOT
    Parameters:
      Message: {Type: String}
      Names: {Type: CommaDelimitedList}
      Kept: {Type: Number, Default: 3}
    Resources:
      Words:
        Type: AWS::SSM::Parameter
        Properties: {Type: String, Value: !Ref Message, Name: tf-from-stack}
      Role:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Principal: {Service: ssm.amazonaws.com}, Action: sts:AssumeRole}]
    Outputs:
      Name: {Value: !Ref Words, Export: {Name: tf-name}}
  EOT
}

resource "aws_cloudformation_stack_set" "members" {
  name             = "tf-members"
  description      = "In members"
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  parameters       = { Message = var.message }
  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }
  operation_preferences {
    failure_tolerance_count = 0
    max_concurrent_count    = 1
  }
  managed_execution {
    active = true
  }
  template_body = <<-EOT
    Parameters:
      Message: {Type: String}
    Resources:
      Words:
        Type: AWS::SSM::Parameter
        Properties: {Type: String, Value: !Ref Message, Name: tf-from-set}
  EOT
  lifecycle {
    # The provider's own page says so, for service-managed sets.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "members" {
  stack_set_name = aws_cloudformation_stack_set.members.name
  region         = "eu-west-1"
  deployment_targets {
    organizational_unit_ids = [aws_organizations_organizational_unit.new.id, data.aws_organizations_organizational_unit.workloads.id]
  }
  depends_on = [aws_organizations_account.new]
}

data "aws_cloudformation_stack" "own" {
  name = aws_cloudformation_stack.own.name
}

data "aws_cloudformation_export" "name" {
  name       = "tf-name"
  depends_on = [aws_cloudformation_stack.own]
}

output "exported" { value = data.aws_cloudformation_export.name.value }
