"""The ways from JSONL to cleaned JSONL: ours, each rival's, and what reading alone costs; and running one of them.

Every run is a process of its own, measured from outside: CPU seconds of its whole process tree, wall seconds, peak memory
(PSS, summed over the tree); starting the interpreter is part of it on every side.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import crawl
from measure import Cost
from rivals import RIVALS
from truth import Score, score
from watch import Watched, watch

ROOT = Path(__file__).resolve().parents[1]
OURS = ("scan", "scan --grain document", "clean --grain document", "clean")
"""Commands of dedup. Rivals find near-duplicate documents and write what is left: `clean --grain document` does that alone."""
LIKE = "dedup clean --grain document"
OVER_CAP = 256 << 20
"""Bytes that a run may take above its `--memory`."""
_PYARROW = """
import sys, pyarrow as pa
from pyarrow import json
fields = pa.schema([(name, pa.string()) for name in ("id", "url", "date", "title", "text")])
for path in sys.argv[1:]:
    json.read_json(path, json.ReadOptions(use_threads=False), json.ParseOptions(explicit_schema=fields))
"""
_MEMORY = """
import sys, numpy as np
for path in sys.argv[1:]:
    raw = np.fromfile(path, np.uint8)
    int(raw[: len(raw) // 8 * 8].view(np.uint64).sum())
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way from files to files, or a limit.

    Attributes:
        name: of the row.
        command: what runs it, from the files and the path to write.
        cleaned: the files that it leaves, from the path to write; None where it leaves none.
        counted: it may be the fastest rival.
        rival: it is not ours, nor a limit.
    """

    name: str
    command: Callable[[Sequence[str], str], list[str]]
    cleaned: Callable[[Path], list[Path]] | None = None
    counted: bool = False
    rival: bool = False


@dataclass(slots=True)
class Result:
    """What a way cost and came to on one crawl.

    Attributes:
        mb: of JSONL, in 10**6 bytes.
        own: share of its CPU time in the rival's own code, where its adapter says.
        left_out: why it was not run; empty where it was.
        cap: bytes that it was to keep within, with what it may take above; None where it was told of none.
        written: bytes of all that it wrote.
    """

    name: str
    mb: float
    costs: list[Cost] = field(default_factory=list)
    score: Score | None = None
    own: float | None = None
    left_out: str = ""
    cap: int | None = None
    written: int = 0

    def median(self, what: str) -> float:
        """The median of a figure of its costs."""
        return statistics.median(getattr(cost, what) or 0 for cost in self.costs)

    @property
    def peak_bytes(self) -> int:
        """The greatest peak of memory of all runs."""
        return max(cost.peak_bytes or 0 for cost in self.costs)


def dedup(words: str, files: Sequence[str], out: str | None = None, threads: int = 1, memory: str = "") -> list[str]:
    """The command that runs dedup, of the checkout, over files; `out` is where a `clean` writes."""
    command = [sys.executable, str(ROOT / "cli.py"), *words.split(), *files, "--threads", str(threads)]
    command += ["-o", out] if words.startswith("clean") and out else []
    return [*command, "--memory", memory] if memory else command


def cap_of(memory: str) -> int | None:
    """The most that a run may take that is given so much memory; None for an empty word."""
    return crawl.size(memory, 1024) + OVER_CAP if memory else None


def environment(**more: str) -> dict[str, str]:
    """That in which the checkout's dedup runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def found(folder: Path) -> crawl.Made:
    """The crawl of a folder, which may have been moved since it was made.

    Raises:
        FileNotFoundError: there is none.
    """
    facts = json.loads((folder / "crawl.json").read_text(encoding="utf-8"))
    del facts["plan"]
    facts["paths"] = [str(folder / Path(path).name) for path in facts["paths"]]
    return crawl.Made(**{**facts, "truth": str(folder / "truth.jsonl")})


def cached(size: int, seed: int, cache: Path) -> crawl.Made:
    """A crawl of a size in one file; made where it is not there yet."""
    home = cache / f"crawl-v{crawl.VERSION}-{size}-seed{seed}"
    return found(home) if (home / "crawl.json").exists() else crawl.make(crawl.Plan(size, seed), home)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of commands that run ways."""
    parser.add_argument("--rivals", type=Path, metavar="DIR", help="environments that rivals.py --install made")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these ways, or those that have the word in the name"
    )
    add_bounds(parser)


def add_bounds(parser: argparse.ArgumentParser, many: bool = False, limit: float = 900) -> None:
    """The options about what a run may take, and where things lie; `many`: several memories and numbers of threads."""
    count, threads, memory = ("+", [1, 2], ["512M", "8G"]) if many else (None, 1, "")
    parser.add_argument("--threads", type=int, nargs=count, default=threads, help=f"of dedup [{threads}]")
    parser.add_argument(
        "--memory",
        nargs=count,
        default=memory,
        metavar="SIZE",
        help=f"that dedup is to keep within [{memory or 'its default'}]",
    )
    parser.add_argument("--limit", type=float, default=limit, help=f"seconds that a run may take [{limit:g}]")
    parser.add_argument(
        "--ceiling",
        type=crawl.size,
        default=crawl.size("12GB"),
        metavar="SIZE",
        help="a run that takes more is stopped [12GB]",
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "dedup-benchmarks")


def chosen(given: argparse.Namespace) -> tuple[list[Way], dict[str, str]]:
    """The ways that the options name and that can be run here, and why others cannot."""
    some = [*_limits(), *(_ours(words, given.threads, given.memory) for words in OURS)]
    missing: dict[str, str] = {}
    for rival in RIVALS:
        why = rival.missing(given.rivals) if given.rivals else "no environments are named: --rivals DIR"
        if why:
            missing[rival.name] = why
            continue
        some.append(
            Way(
                rival.name,
                lambda files, out, rival=rival: rival.command(given.rivals, files, out),  # type: ignore[misc]
                lambda out: [out],
                counted=not rival.shingles_here,
                rival=True,
            )
        )
    names = {*missing, *(way.name for way in some)}

    def named(name: str) -> bool:
        return not given.only or any(word == name or (word not in names and word in name) for word in given.only)

    return [way for way in some if named(way.name)], {name: why for name, why in missing.items() if named(name)}


def _ours(words: str, threads: int, memory: str) -> Way:
    return Way(
        f"dedup {words}",
        lambda files, out: [*dedup(words, files, out, threads, memory), "-q"],
        (lambda out: sorted(out.glob("*.jsonl"))) if words.startswith("clean") else None,
    )


def _limits() -> list[Way]:
    found = [
        Way("limit: memory read", lambda files, _: [sys.executable, "-c", _MEMORY, *files]),
        Way("limit: pyarrow.json", lambda files, _: [sys.executable, "-c", _PYARROW, *files]),
    ]
    if zstd := shutil.which("zstd"):
        found.insert(1, Way("limit: zstd -d", lambda files, _: [zstd, "-dqc", *_compressed(zstd, files)]))
    return found


def _compressed(zstd: str, files: Sequence[str]) -> list[str]:
    for path in files:
        if not Path(f"{path}.zst").exists():
            subprocess.run([zstd, "-q", "-3", path, "-o", f"{path}.zst"], check=True)
    return [f"{path}.zst" for path in files]


PARTLY = 3
"""The exit code of a run that published, with records that could not be read left as they are: a line of 1 GB is such a record."""


def why_failed(done: Watched) -> str:
    """Why a run came to no end; empty where it did."""
    if done.stopped:
        return f"stopped {done.stopped}"
    if done.code in (0, PARTLY):
        return ""
    return f"exit {done.code}: {(done.stderr.strip().splitlines() or ['nothing said'])[-1][:200]}"


def run_once(way: Way, made: crawl.Made, given: argparse.Namespace, result: Result) -> None:
    """Run a way over a crawl and add what it cost; the first time, hold what it leaves against the truth."""
    with tempfile.TemporaryDirectory(dir=given.cache) as folder:
        out = Path(folder) / "out.jsonl"
        around = None if way.rival else environment()
        done = watch(way.command(made.paths, str(out)), around, given.limit, given.ceiling)
        result.left_out = why_failed(done)
        if result.left_out:
            return
        result.costs.append(done.cost)
        result.written = sum(path.stat().st_size for path in (out, *out.rglob("*")) if path.is_file())
        if way.name.startswith("dedup "):
            result.cap = cap_of(given.memory)
        if way.cleaned and result.score is None:
            result.score = score(Path(made.truth), [Path(path) for path in made.paths], way.cleaned(out))
        if way.rival:
            phases = json.loads(done.stdout.strip().splitlines()[-1])["phases"]
            result.own = phases.get("own", 0.0) / max(sum(phases.values()), 1e-9)
