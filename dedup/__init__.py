"""Finds and removes near-duplicate documents and paragraphs in scraped text, and can put everything back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedup.api import Cleaned, Signatures, clean, compare, scan, sketch, tune
    from dedup.config import Config, Matching, preset
    from dedup.errors import DedupError
    from dedup.files import restore
    from dedup.pairing import Pairs, matches
    from dedup.stages.report import Report
    from dedup.tuning.result import Tuning

__version__ = "0.1.0"

_HOMES = {
    "Cleaned": "dedup.api",
    "Config": "dedup.config",
    "DedupError": "dedup.errors",
    "Matching": "dedup.config",
    "Pairs": "dedup.pairing",
    "Report": "dedup.stages.report",
    "Signatures": "dedup.api",
    "Tuning": "dedup.tuning.result",
    "clean": "dedup.api",
    "compare": "dedup.api",
    "matches": "dedup.pairing",
    "preset": "dedup.config",
    "restore": "dedup.files",
    "scan": "dedup.api",
    "sketch": "dedup.api",
    "tune": "dedup.api",
}

__all__ = [
    "Cleaned", "Config", "DedupError", "Matching", "Pairs", "Report", "Signatures", "Tuning", "clean", "compare", "matches", "preset",
    "restore", "scan", "sketch", "tune",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name when it is asked for: `import dedup` alone costs next to nothing."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dedup' has no attribute {name!r}")
