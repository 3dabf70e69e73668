"""Who every node is, who the others expect, and the units that say so."""
