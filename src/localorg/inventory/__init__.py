"""A small EC2 and its neighbours: instances, tags, resource groups; just enough for targets to be found."""
