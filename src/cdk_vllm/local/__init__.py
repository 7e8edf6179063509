"""A service of an environment on this machine: what a deployment starts, started without a GPU."""
