"""Commands whose packages are not installed with loomtui say what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run


@pytest.mark.parametrize(
    ("args", "module", "package"),
    [
        (("serve", "-i", str(ROOT / "sample_inventory.yml")), "textual_serve", "textual-serve"),
        (("drill",), "moto", "moto[s3,server]"),
        (("drill", "--auto", "--json"), "moto", "moto[s3,server]"),
    ],
)
def test_it_says_what_to_install(
    loomtui: Run, tmp_path: Path, args: tuple[str, ...], module: str, package: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
    done = loomtui(*args, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert (done.status, done.out) == (2, "")
    assert f"needs a package that is not installed: {package}" in done.err
    assert "pip" in done.err
