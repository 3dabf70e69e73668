"""Why a cluster does not move.

From logs, looks and the key report, it names the node, the file and the advice.
"""

from loomtui.loom.diagnosis.causes import beyond, diagnose
from loomtui.loom.diagnosis.evidence import Cluster, NodeEvidence
from loomtui.loom.diagnosis.headline import Headline, Way, headline
from loomtui.loom.diagnosis.model import Code, Diagnosis

__all__ = [
    "Cluster",
    "Code",
    "Diagnosis",
    "Headline",
    "NodeEvidence",
    "Way",
    "beyond",
    "diagnose",
    "headline",
]
