"""What can be found out about nodes: a cheap look at every refresh, an expensive one before a plan."""

from loomtui.fleet.probes.details import details, node_details
from loomtui.fleet.probes.looks import look, look_at

__all__ = ["details", "look", "look_at", "node_details"]
