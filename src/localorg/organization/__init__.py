"""AWS Organizations: accounts, organizational units, trusted access and delegated administrators of one organization."""
