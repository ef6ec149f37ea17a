"""Parameter Store: names and paths, versions, filters, tags. The engine is `service.Parameters`; SecureString is refused by name."""
