"""The eight steps, in the order that the operator sees."""

from __future__ import annotations

from loomtui.restore.running.steps.base import Step
from loomtui.restore.running.steps.config import RestoreConfig
from loomtui.restore.running.steps.data import RestoreData
from loomtui.restore.running.steps.node_keys import CompareNodeKeys
from loomtui.restore.running.steps.preflight import Preflight
from loomtui.restore.running.steps.services import FixServices
from loomtui.restore.running.steps.start import StartAll
from loomtui.restore.running.steps.stop import StopAll
from loomtui.restore.running.steps.verify import Verify

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
