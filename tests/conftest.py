"""What all tests share: hypothesis profiles, the folder of real texts, and the implementations of the kernels."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", max_examples=60, deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINES)
settings.register_profile("ci", max_examples=400, deadline=None, suppress_health_check=SLOW_MACHINES, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

IMPLEMENTATIONS = ["dedup.kernels.portable"]
if importlib.util.find_spec("dedup.kernels._native"):
    IMPLEMENTATIONS.append("dedup.kernels.native")


def real_texts(*parts: str) -> Path:
    """A path in the folder that holds `data` and `articles`: DEDUP_DATA, or `../shared` beside the repository.

    A folder that was named and is not there fails the test; a default that is not there skips it.
    """
    named = os.environ.get("DEDUP_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    path = folder.joinpath(*parts)
    if not folder.is_dir():
        if named:
            pytest.fail(f"DEDUP_DATA names {folder}, which is not a folder")
        pytest.skip(f"no real texts: {folder} is not there and DEDUP_DATA is not set")
    if not path.exists():
        pytest.fail(f"{path} is missing from the folder of real texts")
    return path


@pytest.fixture(scope="session", params=IMPLEMENTATIONS, ids=lambda name: name.rpartition(".")[2])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    """One implementation of the kernels."""
    return importlib.import_module(request.param)
