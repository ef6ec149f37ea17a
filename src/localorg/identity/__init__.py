"""IAM and STS of the local organization: who somebody is, and whether a policy lets them do what they ask."""
