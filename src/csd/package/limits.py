"""Distributor's limits that more than one part of csd has to keep."""

# AWS: Distributor guide "Create a package": 1 GB a file; CreateDocument API: 64 KB of content.
# ASSUMED: AWS does not say which GB and KB it means; the smaller are taken (1,000,000,000 and 64,000 bytes), which fit both.
FILE_BYTES_MAX = 1_000_000_000
MANIFEST_BYTES_MAX = 64_000
# AWS: Distributor guide "Create a package": at most 20 attachments.
FILES_MAX = 20
# AWS: AttachmentsSource API, Name.
ATTACHMENT_NAME_MAX = 128
