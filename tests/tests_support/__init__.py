"""What several tests use to look at the machine."""
