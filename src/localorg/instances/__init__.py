"""A small EC2: instances and their tags, just enough for targets to be found."""
