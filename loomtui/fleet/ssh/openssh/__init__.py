"""What OpenSSH's configuration says of a host: `ssh -G` where there is that program, else our reading."""
