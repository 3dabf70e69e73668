from __future__ import annotations

import sys

from loomtui.drill.node.main import main

sys.exit(main(sys.argv[1:]))
