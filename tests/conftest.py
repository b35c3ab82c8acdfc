"""What all tests share: hypothesis profiles, the folder of real texts and how much of them is read, the implementations of the kernels."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINES)
settings.register_profile("ci", max_examples=400, deadline=None, suppress_health_check=SLOW_MACHINES, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

WHOLE = os.environ.get("DEDUP_WHOLE", "0") not in ("", "0")
"""Whether real texts are taken whole, and every code point is asked for: a minute more. See CONTRIBUTING.md."""
BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
T = TypeVar("T")

IMPLEMENTATIONS = ["dedup.kernels.portable"]
if importlib.util.find_spec("dedup.kernels._native"):
    IMPLEMENTATIONS.append("dedup.kernels.native")


def some_of(things: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread; all where the tests run on the whole."""
    step = 1 if WHOLE else -(-len(things) // most)
    return list(things[:: max(step, 1)])


def fewer(share: float) -> settings:
    """Settings for a property of which an example takes long: this share of the examples of the profile."""
    return settings(max_examples=round(settings.default.max_examples * share))


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


@pytest.fixture(scope="module")
def importable_benchmarks() -> Iterator[None]:
    """The benchmarks are scripts beside one another, not a package; modules of the tests may have the same names."""
    names = [path.stem for path in BENCHMARKS.glob("*.py")]
    theirs = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(theirs)


def benchmark(name: str) -> ModuleType:
    """A script of the benchmarks; see `importable_benchmarks`."""
    return importlib.import_module(name)


@pytest.fixture(scope="session", params=IMPLEMENTATIONS, ids=lambda name: name.rpartition(".")[2])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    """One implementation of the kernels."""
    return importlib.import_module(request.param)
