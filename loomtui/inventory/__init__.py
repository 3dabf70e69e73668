"""The inventory: the YAML file that describes one cluster."""

from loomtui.inventory.load import find, load, schema
from loomtui.inventory.model import (
    Inventory,
    LoomSettings,
    Node,
    Ports,
    Role,
    S3Settings,
    SshSettings,
    SudoMode,
)

__all__ = [
    "Inventory",
    "LoomSettings",
    "Node",
    "Ports",
    "Role",
    "S3Settings",
    "SshSettings",
    "SudoMode",
    "find",
    "load",
    "schema",
]
