"""The same bytes whatever the memory, the threads and the kernels: `dedup clean` of one crawl, again and again.

    python benchmarks/sameness.py --size 1GB --memory 512M 8G --threads 1 2 --portable 10MB [--keep]

The first run has the first memory and the first number of threads; each other run differs from it in one of them. Then the
crawl of `--portable` is cleaned with the compiled kernels and with those in numpy, which are slow and keep to no memory. Compared is
every file of OUT, the log and the manifest too. Each run is to keep within its memory: peak PSS of the process tree at most
`ways.OVER_CAP` above it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import crawl
import record
import ways
from measure import Cost, table
from pipelines import capped
from watch import watch
from ways import Result


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to clean the same: memory as it is told (empty: not told), threads, kernels."""

    memory: str
    threads: int
    kernels: str = "native"


@dataclass(slots=True)
class Cleaned:
    """What a variant cost and left of a crawl of so many MB.

    Attributes:
        digest: of every file of OUT, with its name; empty where it came to no end, and `failed` says why.
    """

    variant: Variant
    mb: float
    cost: Cost | None = None
    digest: str = ""
    failed: str = ""

    @property
    def within(self) -> str:
        """Whether it kept within its memory; empty where it was told of none."""
        return capped(Result("", self.mb, [self.cost], cap=ways.cap_of(self.variant.memory))) if self.cost else ""


def variants(memory: Sequence[str], threads: Sequence[int]) -> list[Variant]:
    """The first of both, and all that differ from it in one."""
    first = [Variant(memory[0], threads[0])]
    return first + [Variant(one, threads[0]) for one in memory[1:]] + [Variant(memory[0], n) for n in threads[1:]]


def digest(folder: Path) -> str:
    """A digest of the names and the bytes of all files below a folder."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            inner = hashlib.file_digest(stream, "sha256").hexdigest()
        found.update(f"{path.relative_to(folder).as_posix()} {inner}\n".encode())
    return found.hexdigest()[:16]


def clean(made: crawl.Made, variant: Variant, given: argparse.Namespace) -> Cleaned:
    """Clean a crawl in one way."""
    one = Cleaned(variant, made.file_bytes / 1e6)
    with tempfile.TemporaryDirectory(dir=given.cache) as folder:
        out = Path(folder) / "out"
        command = ways.dedup("clean", made.paths, str(out), variant.threads, variant.memory)
        around = ways.environment(DEDUP_KERNELS=variant.kernels)
        done = watch([*command, "-q"], around, given.limit, given.ceiling)
        one.failed = ways.why_failed(done)
        if not one.failed:
            one.cost, one.digest = done.cost, digest(out)
    return one


def runs_table(runs: Sequence[Cleaned]) -> str:
    """A line a run."""
    rows = []
    for one in runs:
        what = [f"{one.mb:,.0f}", one.variant.memory or "its default", str(one.variant.threads), one.variant.kernels]
        if one.cost:
            peak = f"{(one.cost.peak_bytes or 0) / 1e6:,.0f}"
            rows.append([*what, f"{one.cost.cpu_s:.2f}", f"{one.cost.wall_s:.2f}", peak, one.within, one.digest])
        else:
            rows.append([*what, one.failed, "", "", "", ""])
    head = ("MB of JSONL", "--memory", "threads", "kernels", "CPU s", "wall s", "peak PSS MB", "within --memory", "OUT")
    return table(head, rows)


def broken(runs: Sequence[Cleaned]) -> list[str]:
    """What is not as asked, in words: a run that failed, other bytes than those of the first run of its size, memory passed."""
    wrong = []
    for one in runs:
        first = next(other for other in runs if other.mb == one.mb)
        said = f"--memory {one.variant.memory or 'not given'}, {one.variant.threads} threads, {one.variant.kernels} kernels"
        if one.failed:
            wrong.append(f"{said}: {one.failed}")
        elif one.digest != first.digest:
            wrong.append(f"{said}: OUT differs from that of the first run")
        if one.within == "NO":
            wrong.append(f"{said}: it took more than its memory and {ways.OVER_CAP >> 20} MB")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Clean, compare, print, keep; returns the exit code: 1 where something is not as asked."""
    parser = argparse.ArgumentParser(description="The same bytes whatever the memory, the threads and the kernels.")
    parser.add_argument("--size", type=crawl.size, default=crawl.size("1GB"), help="of the crawl [1GB]")
    parser.add_argument("--crawl", type=Path, metavar="FOLDER", help="one that crawl.py has made, in place of --size")
    parser.add_argument(
        "--portable", type=crawl.size, default=crawl.size("10MB"), help="for the kernels; 0: none [10MB]"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws the crawls [1]")
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    ways.add_bounds(parser, many=True, limit=7200)
    given = parser.parse_args(arguments)
    given.cache.mkdir(parents=True, exist_ok=True)
    about = record.machine()
    large = ways.found(given.crawl) if given.crawl else ways.cached(given.size, given.seed, given.cache)
    jobs = [(large, variant) for variant in variants(given.memory, given.threads)]
    if given.portable:
        small = ways.cached(given.portable, given.seed, given.cache)
        jobs += [(small, Variant("", given.threads[0], kernels)) for kernels in ("native", "portable")]
    runs = []
    for made, variant in jobs:
        print(f"{made.file_bytes / 1e6:,.0f} MB: {variant}", file=sys.stderr, flush=True)
        runs.append(clean(made, variant, given))
    wrong = broken(runs)
    text = (
        runs_table(runs)
        + "\n\n"
        + ("\n".join(f"- {why}" for why in wrong) or "All is as asked: the same bytes, within memory.")
    )
    print(text)
    if given.keep:
        lines: list[dict[str, object]] = [asdict(one) for one in runs]
        print(f"\nkept in {record.keep_lines(Path(__file__).with_name('results'), about, lines, text, 'Sameness')}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
