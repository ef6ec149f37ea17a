"""The resource types that stacks can make, each as the AWS calls that make, change and unmake it."""
