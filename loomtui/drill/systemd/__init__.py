"""The stand-in for systemd on a practice node: units, services, journal. One manager per node, in the cluster's process."""
