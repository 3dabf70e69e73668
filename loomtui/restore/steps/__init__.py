"""The eight steps, in the order that the operator sees."""

from __future__ import annotations

from loomtui.restore.steps.base import Step
from loomtui.restore.steps.config import RestoreConfig
from loomtui.restore.steps.data import RestoreData
from loomtui.restore.steps.node_keys import CompareNodeKeys
from loomtui.restore.steps.preflight import Preflight
from loomtui.restore.steps.services import FixServices
from loomtui.restore.steps.start import StartAll
from loomtui.restore.steps.stop import StopAll
from loomtui.restore.steps.verify import Verify

STEPS: tuple[type[Step], ...] = (
    Preflight,
    StopAll,
    RestoreData,
    RestoreConfig,
    CompareNodeKeys,
    FixServices,
    StartAll,
    Verify,
)
