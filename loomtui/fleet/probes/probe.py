"""What can be found out about nodes: a cheap look at every refresh, an expensive one before a plan."""

from loomtui.fleet.probes.details import details, identity_details, node_details
from loomtui.fleet.probes.looks import identity_look, look, look_at, read_identity, read_look, status_look

__all__ = [
    "details",
    "identity_details",
    "identity_look",
    "look",
    "look_at",
    "node_details",
    "read_identity",
    "read_look",
    "status_look",
]
