"""The stand-in for the `loom` program: what a node does, as far as a restore can see it.

Run by the practice nodes as a process of its own; imports nothing that starts slowly.
What `loom nodekey` needs has named tuples: `dataclasses` takes as long as Python's own start.
"""

VERSION = "2.0.0+b1404"
