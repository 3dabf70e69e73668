"""What `loomtui drill --from` prints of a proof: a document, and words."""

from __future__ import annotations

from collections.abc import Sequence

from loomtui.drill.proof.proofs import GAPS, Isolation, Program, Proof, all_good
from loomtui.drill.summary import Played
from loomtui.text import clean_line
from loomtui.wording.quantities import count, iso, length, number, time_of

_PROGRAMS = {
    Program.LOOM: "The loom program that was given was started",
    Program.STAND_IN: "The stand-in for loom was started",
    Program.NONE: "Nothing was started",
}
_ISOLATIONS = {
    Isolation.NAMESPACE: ", in a network without a way out.",
    Isolation.CONFIGURATION: "; nothing that it read names another machine.",
    Isolation.NONE: ".",
}


def proof_document(proof: Proof) -> dict[str, object]:
    return {
        "backup": proof.key,
        "passed": proof.is_good,
        "wrong": [proof.wrong] if proof.wrong else [],
        "taken_at": iso(proof.taken_at),
        "size_bytes": proof.size_bytes,
        "began": iso(proof.began),
        "seconds": round(proof.seconds, 3),
        "chain_id": proof.chain_id,
        "height": proof.height,
        "block_time": iso(proof.block_time),
        "reached_height": proof.reached,
        "data_loss_seconds": round(proof.age_seconds),
        "blocks_lost_at_least": proof.blocks_lost,
        "program": proof.program.value,
        "isolation": proof.isolation.value,
        "steps": [
            {
                "name": taken.step.value,
                "seconds": round(taken.seconds, 3),
                "outcome": "failed" if taken.wrong else "done",
            }
            for taken in proof.steps
        ],
        "warnings": list(proof.warnings),
        "not_proved": [{"what": gap.value, "says": GAPS[gap]} for gap in proof.gaps],
    }


def summary_document(cluster: str, proofs: Sequence[Proof]) -> dict[str, object]:
    return {
        "cluster": cluster,
        "passed": all_good(proofs),
        "proofs": len(proofs),
        "failed": [proof.key for proof in proofs if not proof.is_good],
    }


def proof_text(proof: Proof) -> str:
    lines = [clean_line(proof.key, limit=200)]
    lines += [
        f"  {'✗' if taken.wrong else '✓'} {taken.step.value:<8} {length(taken.seconds):>9}"
        for taken in proof.steps
    ]
    lines += [f"  warning: {clean_line(warning)}" for warning in proof.warnings]
    if not proof.is_good:
        return "\n".join([*lines, f"  BAD: {proof.wrong}"])
    lines += [f"  {sentence}" for sentence in _good_sentences(proof)]
    lines += ["  What this does not prove:", *(f"    {GAPS[gap]}" for gap in proof.gaps)]
    return "\n".join(lines)


def _good_sentences(proof: Proof) -> list[str]:
    """How far it came, what a restore of it loses, and what ran."""
    came = f"Good: the archive is whole, up to block {number(proof.height)}."
    if proof.reached is not None and proof.height is not None:
        made = proof.reached - proof.height
        blocks = f" and made {count(made, 'block')} above it" if made > 0 else ""
        came = f"Good: a node started at block {number(proof.height)}{blocks}, after {length(proof.seconds)}."
    since = "its last block is of" if proof.block_time is not None else "it was taken at"
    at = time_of(proof.block_time or proof.taken_at)
    lost = f"Data of {length(proof.age_seconds)} would be lost: {since} {at}."
    if proof.blocks_lost is not None:
        lost += f" At least {count(proof.blocks_lost, 'block')} more had been signed."
    return [came, lost, _PROGRAMS[proof.program] + _ISOLATIONS[proof.isolation]]


def as_played(proof: Proof) -> Played:
    """For JUnit."""
    wrong = (proof.wrong,) if proof.wrong else ()
    return Played(clean_line(proof.key), proof.is_good, proof.seconds, wrong, proof_text(proof))
