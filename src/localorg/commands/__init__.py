"""Run Command: one document, many nodes, one answer each. AWS: Systems Manager user guide, "AWS Systems Manager Run Command"."""
