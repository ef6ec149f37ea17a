resource "aws_s3_bucket" "packages" {
  bucket        = "tf-packages"
  force_destroy = true
}

resource "aws_s3_bucket_policy" "packages" {
  bucket = aws_s3_bucket.packages.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.packages.arn}/*"
      Condition = { StringEquals = { "aws:PrincipalOrgID" = local.org } }
    }]
  })
}

resource "aws_s3_bucket_public_access_block" "packages" {
  bucket                  = aws_s3_bucket.packages.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "packages" {
  bucket = aws_s3_bucket.packages.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_object" "note" {
  bucket  = aws_s3_bucket.packages.id
  key     = "notes/note.txt"
  content = var.message
}

resource "aws_s3_object" "product" {
  bucket      = aws_s3_bucket.packages.id
  key         = "templates/product.yaml"
  source      = var.template
  source_hash = filemd5(var.template)
}
