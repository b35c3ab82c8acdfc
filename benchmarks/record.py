"""Keeping a run: what was measured, where, with what, in `results/<date>-<cpu>/`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from measure import Row

PACKAGES = ("numpy", "pyarrow", "datasketch", "rensa")


def machine() -> dict[str, str]:
    """What the figures depend on beside the text: processor, system, versions, commit, load before the run."""
    said = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python", *(_below_home(word) for word in sys.argv)]),
        "cpu": cpu_name(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "load before": load(),
        "commit": commit(),
        "python": platform.python_version(),
        "compiler of the plain loop": compiler(),
    }
    for name in PACKAGES:
        said[name] = importlib.metadata.version(name) if importlib.util.find_spec(name) else "not installed"
    return said


def keep(folder: Path, about: dict[str, str], rows: Sequence[Row], text: str) -> Path:
    """Keep a run of rows; see `keep_lines`."""
    lines: list[dict[str, object]] = []
    for row in rows:
        costs = [asdict(cost) for cost in row.costs]
        lines.append({"name": row.name, "unit": row.unit, "amount": row.amount, "note": row.note, "costs": costs})
    return keep_lines(folder, about, lines, text)


def keep_lines(
    folder: Path, about: dict[str, str], lines: Sequence[dict[str, object]], text: str, title: str = "Speed"
) -> Path:
    """Write `raw.jsonl` (the machine, then the lines) and `README.md`; returns their folder, new for each run."""
    stem = f"{about['date'][:10]}-{re.sub(r'[^a-z0-9]+', '-', about['cpu'].lower()).strip('-')}"
    if title != "Speed":
        stem = f"{title.lower()}-{stem}"
    target = next(path for n in range(1, 1000) if not (path := folder / (stem if n == 1 else f"{stem}-{n}")).exists())
    target.mkdir(parents=True)
    about = {**about, "load after": load()}
    raw = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [{"machine": about}, *lines])
    (target / "raw.jsonl").write_text(raw, encoding="utf-8")
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    (target / "README.md").write_text(f"# {title}, {about['date']}\n\n{facts}\n\n{text}\n", encoding="utf-8")
    return target


def load() -> str:
    """The load averages over one, five and fifteen minutes."""
    return " ".join(f"{share:.2f}" for share in os.getloadavg())


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        text = info.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
            family = re.search(r"^model\s*:\s*(.+)$", text, re.MULTILINE)
            return found.group(1).strip() + (f" (model {family.group(1).strip()})" if family else "")
    return platform.processor() or platform.machine()


def commit() -> str:
    """The commit of the checkout, and whether it has been changed since."""
    root = Path(__file__).resolve().parents[1]
    head = _said("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
    changed = _said("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")
    return head + (" with changes" if changed else "") if head else "unknown"


def compiler() -> str:
    """The first line of what the C compiler says of itself."""
    command = os.environ.get("CC", "cc").split()
    return (_said(*command, "--version") or "none").splitlines()[0]


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _below_home(word: str) -> str:
    """A path as it is told: below the checkout by its place there, elsewhere by its name alone."""
    path = Path(word)
    if not path.is_absolute():
        return word
    root = Path(__file__).resolve().parents[1]
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
