# The credentials, the Region and the endpoint come from `localorg env` alone; no check of the provider is skipped.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

variable "message" {
  type    = string
  default = "one"
}

variable "template" {
  type        = string
  description = "The product's template: a file."
}

provider "aws" {
  default_tags {
    tags = { Owner = "strangers" }
  }
}

data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

output "me" { value = data.aws_caller_identity.me }
output "here" { value = [data.aws_partition.here.partition, data.aws_region.here.name] }
