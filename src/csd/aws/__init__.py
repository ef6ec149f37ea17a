"""The only boto3 of csd: gathers facts, performs plans, and the only place that catches botocore's errors.

Rules: every refusal becomes AwsRefused with service, operation, code, account and Region. AWS_ENDPOINT_URL and the credentials
of the environment say which AWS is meant; there is no other mode. Refuses to know: how anything is shown.
"""
