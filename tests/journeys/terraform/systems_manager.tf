resource "aws_ssm_document" "command" {
  name            = "tf-command"
  document_type   = "Command"
  document_format = "YAML"
  content         = <<-EOT
    schemaVersion: "2.2"
    description: Says something
    parameters:
      what:
        type: String
        description: What to say
        default: ${var.message}
    mainSteps:
      - action: aws:runShellScript
        name: say
        inputs:
          runCommand: ["echo {{ what }}"]
  EOT
}

resource "aws_ssm_document" "shared" {
  name          = "tf-shared"
  document_type = "Command"
  target_type   = "/AWS::EC2::Instance"
  version_name  = "first"
  content = jsonencode({
    schemaVersion = "2.2"
    description   = "JSON"
    mainSteps     = [{ action = "aws:runShellScript", name = "say", inputs = { runCommand = ["true"] } }]
  })
  permissions = {
    type        = "Share"
    account_ids = local.shop
  }
}

resource "aws_ssm_document" "runbook" {
  name            = "tf-runbook"
  document_type   = "Automation"
  document_format = "YAML"
  content         = <<-EOT
    schemaVersion: "0.3"
    description: Sleeps
    assumeRole: "{{ AutomationAssumeRole }}"
    parameters:
      AutomationAssumeRole: {type: String, default: ""}
      Values: {type: StringList, default: [a, b]}
    mainSteps:
      - name: sleep
        action: aws:sleep
        inputs: {Duration: PT1S}
        isEnd: true
  EOT
}

resource "aws_ssm_association" "command" {
  name                        = aws_ssm_document.command.name
  association_name            = "tf-command"
  document_version            = "$DEFAULT"
  schedule_expression         = "cron(0 2 ? * SUN *)"
  compliance_severity         = "HIGH"
  max_concurrency             = "10"
  max_errors                  = "50%"
  apply_only_at_cron_interval = true
  parameters                  = { what = var.message }
  output_location {
    s3_bucket_name = aws_s3_bucket.packages.id
    s3_key_prefix  = "out"
    s3_region      = data.aws_region.here.name
  }
  targets {
    key    = "tag:Role"
    values = ["web", "batch"]
  }
}

resource "aws_ssm_association" "inventory" {
  name                = "AWS-GatherSoftwareInventory"
  association_name    = "tf-inventory"
  schedule_expression = "rate(30 minutes)"
  parameters          = { applications = "Enabled", customInventory = "Disabled" }
  targets {
    key    = "InstanceIds"
    values = ["*"]
  }
}

resource "aws_ssm_parameter" "text" {
  name        = "/tf/text"
  type        = "String"
  value       = var.message
  description = "Some text"
}

resource "aws_ssm_parameter" "list" {
  name            = "tf-list"
  type            = "StringList"
  value           = "a,b"
  allowed_pattern = "^[a-z,]+$"
}

resource "aws_ssm_activation" "hybrid" {
  name               = "tf-hybrid"
  description        = "Machines elsewhere"
  iam_role           = aws_iam_role.work.id
  registration_limit = 5
  depends_on         = [aws_iam_role_policy_attachment.core]
}

resource "aws_resourcegroups_group" "web" {
  name        = "tf-web"
  description = "All web machines"
  resource_query {
    query = jsonencode({
      ResourceTypeFilters = ["AWS::AllSupported"]
      TagFilters          = [{ Key = "Role", Values = ["web"] }]
    })
  }
}

data "aws_ssm_document" "command" {
  name            = aws_ssm_document.command.name
  document_format = "JSON"
}

data "aws_ssm_parameters_by_path" "all" {
  path       = "/tf"
  depends_on = [aws_ssm_parameter.text]
}
