"""The operator's desk: seal packages, deploy the solution, distribute, report. It meets AWS through boto3 alone (csd.aws)."""
