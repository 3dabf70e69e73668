"""What lies in S3 when a drill begins, as a scenario's file says it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from loomtui.drill.scenarios.deeds import Database
from loomtui.drill.scenarios.words import Height, NodeName, Part
from loomtui.inventory.model import Wanted


class Form(StrEnum):
    BZ2 = "tar.bz2"
    GZ = "tar.gz"
    ZST = "tar.zst"


class DataBackup(Part):
    """One archive of the backup node's databases."""

    height: Height = Field("data", description="the last block in it")
    lacks: tuple[Database, ...] = Field((), description="databases that it does not hold")
    form: Form = Field(Form.BZ2, description="how it is compressed")
    absolute: bool = Field(False, description="its names begin with home/ubuntu/")
    app_ahead: int = Field(
        0, ge=0, le=100, description="torn: app.db was copied when the node was so many blocks further"
    )
    truncated: bool = Field(False, description="the last third of the upload is missing")


class WrongHost(Part):
    """The newest config backup under one node's name holds the files of another."""

    under: NodeName = Field(description="under whose name")
    holds: NodeName = Field(description="whose files")


_USUAL = (
    DataBackup(),
    DataBackup(height="60", form=Form.GZ, absolute=True),
    DataBackup(height="50", form=Form.ZST),
    DataBackup(height="30", lacks=(Database.EVM, Database.RECEIPTS, Database.CLONE)),
)

Archives = Annotated[tuple[DataBackup, ...], Field(max_length=12), Wanted("a list of at most 12 backups")]


class Backups(Part):
    data: Archives = Field(_USUAL, description="archives of databases; without it the usual four")
    wrong_hosts: tuple[WrongHost, ...] = Field((), description="config backups under a wrong name")
    redis: bool = Field(False, description="the configuration in them names a Redis that is gone")
