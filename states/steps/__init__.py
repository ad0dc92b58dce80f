"""The steps of the route, one file each; a step never calls a step."""
