"""The kernel: one clock, one event queue, one set of rows, one source of ids. It knows nothing of AWS services."""
