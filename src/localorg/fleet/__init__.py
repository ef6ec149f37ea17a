"""The control plane's view of managed nodes: who is there, who is online, what is on its way to them, what they said."""
