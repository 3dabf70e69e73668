"""One node's SSH connection: who we are, who it is, commands over it."""
