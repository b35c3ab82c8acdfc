"""Inputs at the edge: what they cost, whether cost grows in proportion to them, and what is too large to be run.

    python benchmarks/extremes.py [--share 0.01] [--only one-line tiny] [--command scan] [--keep]

Each case is run over ever larger parts of itself, up to half of it and all of it. Before each run the memory and the time
it will take are forecast from the run before; where that is more than `--memory` or `--limit`, the case is not run any
further, and a line says so. Growth is the CPU time of the largest run over that of the run before it, both less what a
run over one record takes, over how much larger its input is: 1 is linear.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import record
from clauses import mixed, words
from crawl import size
from measure import Cost, table
from watch import watch

ROOT = Path(__file__).resolve().parents[1]
PARTS = (0.001, 0.01, 0.1, 0.5, 1.0)
"""Of a case, run in turn."""
LEAST = 100
"""Records (bytes for one line) below which a part is not worth a run."""
LEAST_S = 0.5
"""CPU seconds, less the start, below which growth is not told: they are noise."""
SHARED_TOKENS, OWN_TOKENS = 60, 40
"""Of a document of `one-band`: pairs share 3 in 7 of their tokens and are no duplicates, but a fifth of all documents
have the same band key in any one band."""


@dataclass(frozen=True, slots=True)
class Case:
    """An input at the edge.

    Attributes:
        name: of the row.
        about: what it is, at full size.
        n: how many units at full size.
        write: yields the bytes of so many units.
        suffix: of the file.
    """

    name: str
    about: str
    n: int
    write: Callable[[int], Iterator[bytes]]
    suffix: str = ".jsonl"


@dataclass(slots=True)
class Ran:
    """The runs of a case: for each its units, bytes, and cost."""

    name: str
    units: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    refused: str = ""


def _one_line(n: int) -> Iterator[bytes]:
    """One record, the text of which is one line of about n bytes."""
    clauses = words().clauses
    yield b'{"id": "0", "text": "'
    done = 0
    for at in itertools.count(0, 10_000):
        places = (mixed(1, 0, at, range(10_000)) % len(clauses)).tolist()
        part = "。".encode().join(clauses[place] for place in places)
        part = part[: n - done].decode(errors="ignore").encode()
        yield part
        done += len(part)
        if done > n - 4:  # what is left is less than a character
            break
    yield b'"}\n'


def _empty_lines(n: int) -> Iterator[bytes]:
    for at in range(0, n, 1_000_000):
        yield b"\n" * min(1_000_000, n - at)


def _numbered(n: int, line: Callable[[int], bytes]) -> Iterator[bytes]:
    for at in range(0, n, 10_000):
        yield b"".join(map(line, range(at, min(at + 10_000, n))))


def _tiny(n: int) -> Iterator[bytes]:
    return _numbered(n, lambda number: b'{"text":"%x"}\n' % number)


def _own(number: int, n_tokens: int) -> bytes:
    """Tokens that no other number has."""
    return b" ".join(b"w%xq%x" % (number, at) for at in range(n_tokens))


def _one_band(n: int) -> Iterator[bytes]:
    shared = b" ".join(b"shared%d" % at for at in range(SHARED_TOKENS))
    return _numbered(n, lambda number: b'{"text":"%s %s"}\n' % (shared, _own(number, OWN_TOKENS)))


def _distinct(n: int) -> Iterator[bytes]:
    return _numbered(n, lambda number: b'{"text":"%s"}\n' % _own(number, 60))


def _identical(n: int) -> Iterator[bytes]:
    line = b'{"text":"%s"}\n' % _own(999_999, 60)
    return _numbered(n, lambda _: line)


CASES = (
    Case("one-line", "one line of 1 GB", 10**9, _one_line),
    Case("empty-lines", "10 million empty lines", 10**7, _empty_lines, ".txt"),
    Case("tiny", "200 million records of a word", 2 * 10**8, _tiny),
    Case("one-band", "a million documents, a fifth of them in one bucket of each band", 10**6, _one_band),
    Case("distinct", "a million documents that differ", 10**6, _distinct),
    Case("identical", "a million documents that are one", 10**6, _identical),
)


def run_case(case: Case, given: argparse.Namespace, start: Cost) -> Ran:
    """Run a case part by part, as far as memory and time allow."""
    ran = Ran(case.name)
    total = max(LEAST, round(case.n * given.share))
    for part in PARTS:
        n = round(total * part)
        if n < min(LEAST, total):
            continue
        if ran.costs and (why := _too_much(ran, n, given, start)):
            ran.refused = f"{case.name}: {n:,} units are not run: {why}"
            break
        with tempfile.TemporaryDirectory(dir=given.cache) as folder:
            path = Path(folder) / f"in{case.suffix}"
            with path.open("wb") as stream:
                stream.writelines(case.write(n))
            print(f"{case.name}: {n:,} units, {path.stat().st_size / 1e6:,.1f} MB", file=sys.stderr, flush=True)
            ran.sizes.append(path.stat().st_size)
            cost = _run(path, given, given.limit)
        if isinstance(cost, str):
            ran.sizes.pop()
            ran.refused = f"{case.name}: {n:,} units: {cost}"
            break
        ran.units.append(n)
        ran.costs.append(cost)
    return ran


def _run(path: Path, given: argparse.Namespace, limit: float) -> Cost | str:
    """What a run cost, or why it came to no end."""
    command = [sys.executable, str(ROOT / "cli.py"), given.command, str(path), "-q", "--threads", str(given.threads)]
    if given.command == "clean":
        command += ["-o", str(path.with_name("out"))]
    done = watch(command, {**os.environ, "PYTHONPATH": str(ROOT)}, limit)
    if done.stopped:
        return f"stopped after {limit:g} s"
    if done.code:
        return f"exit {done.code}: {(done.stderr.strip().splitlines() or ['nothing said'])[-1][:200]}"
    return done.cost


def _too_much(ran: Ran, n: int, given: argparse.Namespace, start: Cost) -> str:
    """Why so many units are too much, by what the last run took; empty where they are not."""
    last, more = ran.costs[-1], n / ran.units[-1]
    memory = (start.peak_bytes or 0) + max(0, (last.peak_bytes or 0) - (start.peak_bytes or 0)) * more
    if memory > given.memory:
        return f"they need some {memory / 1e9:,.1f} GB of memory, more than the {given.memory / 1e9:g} GB of --memory"
    if (wall := last.wall_s * more) > given.limit:
        return f"they take some {wall:,.0f} s, more than the {given.limit:g} s of --limit"
    return ""


def growth(ran: Ran, start: Cost) -> float | None:
    """How the CPU time of the last run grew over that of the run before, for each unit; 1 is linear.

    None where there are no two runs that took long enough beside the start to say.
    """
    if len(ran.costs) < 2:
        return None
    before, last = (cost.cpu_s - start.cpu_s for cost in ran.costs[-2:])
    return None if before < LEAST_S else last / before / (ran.units[-1] / ran.units[-2])


def results_table(found: Sequence[Ran], start: Cost) -> str:
    """A line a case: its largest run."""
    about = {case.name: case for case in CASES}
    rows = []
    for ran in found:
        case = about[ran.name]
        if not ran.costs:
            rows.append([ran.name, case.about, *["-"] * 7])
            continue
        cost, grown = ran.costs[-1], growth(ran, start)
        memory = cost.peak_bytes or 0
        figures = [f"{ran.units[-1]:,}", f"{ran.units[-1] / case.n:.2%}", f"{ran.sizes[-1] / 1e6:,.1f}"]
        figures += [f"{cost.cpu_s:.2f}", f"{cost.wall_s:.2f}", f"{memory / 1e6:,.0f}"]
        rows.append([ran.name, case.about, *figures, "" if grown is None else f"{grown:.2f}"])
    head = ("case", "what, in full", "units run", "share", "MB", "CPU s", "wall s", "peak PSS MB", "growth")
    return table(head, rows)


def identical_ratio(found: Sequence[Ran]) -> str:
    """What identical documents take in what as many distinct ones do."""
    by_name = {ran.name: ran for ran in found}
    if not {"identical", "distinct"} <= by_name.keys():
        return ""
    one, other = by_name["identical"], by_name["distinct"]
    both = [n for n in one.units if n in other.units]
    if not both:
        return ""
    n = both[-1]
    ratio = one.costs[one.units.index(n)].cpu_s / other.costs[other.units.index(n)].cpu_s
    return f"{n:,} identical documents take {ratio:.2f}x the CPU time of as many that differ; at most 1.3x is asked."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print, keep; returns the exit code."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description="Run dedup over inputs at the edge.")
    parser.add_argument("--share", type=float, default=1.0, help="of each case's full size; CI takes 0.01 [1]")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--command", choices=("scan", "clean"), default="scan")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", type=size, default=size("12GB"), help="a run that needs more is refused [12GB]")
    parser.add_argument("--limit", type=float, default=1800, help="seconds that a run may take [1800]")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()), help="where inputs are made, a while"
    )
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    given = parser.parse_args(arguments)
    if not 0 < given.share <= 1:
        parser.error("--share is above 0 and at most 1")
    given.cache.mkdir(parents=True, exist_ok=True)
    about = record.machine()
    with tempfile.TemporaryDirectory(dir=given.cache) as folder:
        one = Path(folder) / "one.jsonl"
        one.write_bytes(b"".join(_tiny(1)))
        start = _run(one, given, given.limit)
    if isinstance(start, str):
        print(f"a run over one record failed: {start}", file=sys.stderr)
        return 1
    found = [run_case(case, given, start) for case in CASES if case.name in given.only]
    memory = (start.peak_bytes or 0) / 1e6
    parts = [
        f"`dedup {given.command}`; one record takes {start.cpu_s:.2f} s of CPU time and {memory:,.0f} MB.",
        results_table(found, start),
        identical_ratio(found),
        "\n".join(f"- {ran.refused}" for ran in found if ran.refused),
    ]
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if given.keep:
        lines: list[dict[str, object]] = [asdict(ran) for ran in found]
        print(f"\nkept in {record.keep_lines(Path(__file__).with_name('results'), about, lines, text, 'Extremes')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
