"""A lab of real nodes: Debian in systemd-nspawn, with systemd, OpenSSH, sudo and journald. See README.md."""
