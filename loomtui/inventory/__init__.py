"""The inventory: the YAML file that describes one cluster."""

from loomtui.inventory.load import find, load, schema
from loomtui.inventory.model import (
    Inventory,
    LoomSettings,
    Node,
    NotifySettings,
    Objectives,
    Ports,
    Role,
    S3Settings,
    Signer,
    SshSettings,
    SudoMode,
)

__all__ = [
    "Inventory",
    "LoomSettings",
    "Node",
    "NotifySettings",
    "Objectives",
    "Ports",
    "Role",
    "S3Settings",
    "Signer",
    "SshSettings",
    "SudoMode",
    "find",
    "load",
    "schema",
]
