"""Proofs as a text file for Prometheus, which node_exporter's textfile collector reads.

Source of the form: Prometheus, "Exposition formats", text-based format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from loomtui.drill.proof.proofs import Program, Proof, all_good
from loomtui.restore.planning.planfile import write_whole

_MODE = 0o644  # the collector is another user
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

_HELP = {
    "loomtui_proof_timestamp_seconds": "When the last proof of backups ended, in seconds since 1970.",
    "loomtui_proof_success": "Whether every backup of the last proof can bring the chain back: 1 or 0.",
    "loomtui_proof_backups": "Backups of the last proof, by their result.",
    "loomtui_proof_started": "Whether a node was started with the newest of them: 1 or 0.",
    "loomtui_proof_duration_seconds": "How long the newest of them took, from the first byte on.",
    "loomtui_proof_data_age_seconds": "Age of the last block in the newest good backup; none if all are bad.",
    "loomtui_proof_height": "The last block in the newest good backup; none if all are bad.",
}


def exposition(cluster: str, proofs: Sequence[Proof], ended: datetime) -> str:
    """`proofs`: newest backup first, at least one. `ended`: UTC."""
    good = [proof for proof in proofs if proof.is_good]
    samples: dict[str, list[tuple[str, float]]] = {
        "loomtui_proof_timestamp_seconds": [("", round(ended.timestamp()))],
        "loomtui_proof_success": [("", int(all_good(proofs)))],
        "loomtui_proof_backups": [
            ('result="good"', len(good)),
            ('result="bad"', len(proofs) - len(good)),
        ],
        "loomtui_proof_started": [("", int(proofs[0].program is not Program.NONE))],
        "loomtui_proof_duration_seconds": [("", round(proofs[0].seconds, 3))],
    }
    if good:
        samples["loomtui_proof_data_age_seconds"] = [("", round(good[0].age_seconds))]
        if good[0].height is not None:
            samples["loomtui_proof_height"] = [("", good[0].height)]
    return "".join(f"{line}\n" for line in _lines(cluster.translate(_ESCAPES), samples))


def _lines(cluster: str, samples: dict[str, list[tuple[str, float]]]) -> Iterator[str]:
    for name, values in samples.items():
        yield f"# HELP {name} {_HELP[name]}"
        yield f"# TYPE {name} gauge"
        for label, value in values:
            labels = ",".join(part for part in (f'cluster="{cluster}"', label) if part)
            yield f"{name}{{{labels}}} {value}"


def write_prometheus(path: Path, cluster: str, proofs: Sequence[Proof], ended: datetime) -> None:
    """Whoever reads the file finds the old or the new one, whole. Raises OSError."""
    write_whole(path, exposition(cluster, proofs, ended).encode(), mode=_MODE)
