"""ROOM 4: what runs on a managed node: the agent, its package installer, its sandbox. Imports nothing else of localorg."""
