"""`loom version` is asked at every look: it is answered before anything is imported that takes its time."""

from __future__ import annotations

import sys

from loomtui.drill.node import VERSION

if sys.argv[1:2] == ["version"]:
    sys.stdout.write(VERSION + "\n")
else:
    from loomtui.drill.node.main import main

    sys.exit(main(sys.argv[1:]))
