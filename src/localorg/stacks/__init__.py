"""AWS CloudFormation: stacks, change sets, and StackSets over the organization."""
