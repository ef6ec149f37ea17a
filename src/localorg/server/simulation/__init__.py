"""A whole organization in virtual time and in one process: engines, borrowed S3, scripts and nodes on the kernel's turns (ADR 0018)."""
