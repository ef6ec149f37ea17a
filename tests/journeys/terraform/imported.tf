# Made by other means before, and taken over.
import {
  to = aws_iam_role.found
  id = "found"
}

resource "aws_iam_role" "found" {
  name               = "found"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "ssm.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}

import {
  to = aws_ssm_document.found
  id = "found"
}

resource "aws_ssm_document" "found" {
  name            = "found"
  document_type   = "Command"
  document_format = "JSON"
  content         = jsonencode({ schemaVersion = "2.2", mainSteps = [{ action = "aws:runShellScript", name = "say", inputs = { runCommand = ["true"] } }] })
}

import {
  to = aws_ssm_parameter.found
  id = "found"
}

resource "aws_ssm_parameter" "found" {
  name  = "found"
  type  = "String"
  value = "here"
}

data "aws_organizations_organizational_units" "found" {
  parent_id = local.root
}

import {
  to = aws_organizations_organizational_unit.found
  id = one([for unit in data.aws_organizations_organizational_units.found.children : unit.id if unit.name == "Found"])
}

resource "aws_organizations_organizational_unit" "found" {
  name      = "Found"
  parent_id = local.root
}

import {
  to = aws_cloudformation_stack.found
  id = "found"
}

resource "aws_cloudformation_stack" "found" {
  name          = "found"
  template_body = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: a}}}"
}
