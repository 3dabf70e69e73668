"""Commands whose packages are not installed with loomtui say what to install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run


@pytest.mark.parametrize(
    ("args", "module", "extra"),
    [
        (("serve", "-i", str(ROOT / "sample_inventory.yml")), "textual_serve", "serve"),
        (("drill",), "moto", "drill"),
        (("drill", "--auto", "--json"), "flask_cors", "drill"),
    ],
)
def test_it_says_what_to_install(
    loomtui_process: Run, tmp_path: Path, args: tuple[str, ...], module: str, extra: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
    done = loomtui_process(*args, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert (done.status, done.out) == (2, "")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["optional-dependencies"][extra]
    said = re.search(r"needs what is not installed: (\S+)\.\n", done.err)
    assert said is not None, done.err
    assert said[1] in wanted
    assert f"Install it with pip beside loomtui: '{said[1]}', or loomtui's extra {extra}." in done.err
