"""A plan file and the signature beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loomtui.errors import CallError
from loomtui.restore.plan import Plan
from loomtui.restore.planning.planfile import parse_plan, plan_bytes

_MAX_BYTES = 64 * 1024  # a signature by RSA of 16384 bits has 6,000


@dataclass(frozen=True)
class PlanFile:
    """A plan with the very bytes that it was read from, which are what a signature covers."""

    path: Path
    plan: Plan
    text: bytes
    signature: bytes | None  # as it lies beside the plan; None: there is none


def signature_path(plan: Path) -> Path:
    """Where `ssh-keygen -Y sign` puts it, too."""
    return plan.with_name(f"{plan.name}.sig")


def load_plan_file(path: Path) -> PlanFile:
    """Raises CallError as `load_plan` does, and where the signature cannot be read."""
    text, beside = plan_bytes(path), signature_path(path)
    try:
        with beside.open("rb") as file:
            signature: bytes | None = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        signature = None
    except OSError as error:
        raise CallError(f"the signature {beside} cannot be read: {error.strerror}") from error
    if len(signature or b"") > _MAX_BYTES:
        raise CallError(f"{beside} is too large to be a signature")
    return PlanFile(path, parse_plan(text, str(path)), text, signature)
