"""The inventory: the YAML file that describes one cluster."""
