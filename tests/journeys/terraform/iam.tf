data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ssm.amazonaws.com", "ec2.amazonaws.com"]
    }
  }
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [data.aws_caller_identity.me.account_id]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalOrgID"
      values   = [local.org]
    }
  }
}

data "aws_iam_policy_document" "work" {
  statement {
    sid       = "Read"
    actions   = ["ssm:DescribeInstanceInformation", "ssm:ListCommands"]
    resources = ["*"]
  }
  statement {
    actions   = ["ssm:SendCommand"]
    resources = ["arn:${data.aws_partition.here.partition}:ssm:*:${data.aws_caller_identity.me.account_id}:document/${var.message}*"]
    condition {
      test     = "StringLike"
      variable = "aws:RequestedRegion"
      values   = ["us-*"]
    }
  }
}

resource "aws_iam_policy" "work" {
  name        = "tf-work"
  path        = "/tf/"
  description = "What the work needs"
  policy      = data.aws_iam_policy_document.work.json
}

resource "aws_iam_role" "work" {
  name                 = "tf-work"
  description          = "Works"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.work.arn
  tags                 = { Message = var.message }
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.work.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.packages.arn}/*" }]
  })
}

resource "aws_iam_role_policy_attachment" "core" {
  role       = aws_iam_role.work.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_role_policy_attachment" "work" {
  role       = aws_iam_role.work.name
  policy_arn = aws_iam_policy.work.arn
}

resource "aws_iam_instance_profile" "work" {
  name = "tf-work"
  role = aws_iam_role.work.name
}

resource "aws_iam_user" "operator" {
  name = "tf-operator"
  path = "/people/"
}

resource "aws_iam_user_policy_attachment" "operator" {
  user       = aws_iam_user.operator.name
  policy_arn = aws_iam_policy.work.arn
}

resource "aws_iam_user_policy" "operator" {
  name   = "own"
  user   = aws_iam_user.operator.name
  policy = data.aws_iam_policy_document.work.json
}

resource "aws_iam_access_key" "operator" {
  user = aws_iam_user.operator.name
}

resource "aws_iam_group" "operators" {
  name = "tf-operators"
  path = "/people/"
}

resource "aws_iam_group_membership" "operators" {
  name  = "operators"
  group = aws_iam_group.operators.name
  users = [aws_iam_user.operator.name]
}

resource "aws_iam_group_policy" "operators" {
  name   = "own"
  group  = aws_iam_group.operators.name
  policy = data.aws_iam_policy_document.work.json
}

resource "aws_iam_group_policy_attachment" "operators" {
  group      = aws_iam_group.operators.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/AmazonSSMReadOnlyAccess"
}

data "aws_iam_role" "work" {
  name = aws_iam_role.work.name
}

data "aws_iam_policy" "core" {
  name = "AmazonSSMManagedInstanceCore"
}
