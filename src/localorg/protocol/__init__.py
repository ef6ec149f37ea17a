"""The wire and the gateway: botocore's service models decide what a valid request is; every call passes one door."""
