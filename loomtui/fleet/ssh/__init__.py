"""One node's SSH connection: who we are, who it is, commands over it."""

import sys

# paramiko imports invoke for the `exec` of its own reader of SSH configurations, which is not used here
# (openssh/ is). That would be a third of the time that paramiko takes to load.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # None bars it: language reference, 5.3.1
