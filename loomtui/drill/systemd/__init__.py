"""The stand-in for systemd: units, services, journal. One manager per node, in the cluster's process."""
