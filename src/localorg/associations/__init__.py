"""State Manager: associations that run a document now, on schedule and when it changes. The engine is `service.Associations`."""
