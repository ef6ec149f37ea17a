"""Systems Manager Automation: runbooks of schema 0.3, run step by step in the accounts and Regions they are meant for."""
