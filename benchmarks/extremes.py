"""Inputs at the edge: what they cost, whether cost grows in proportion to them, and whether memory is kept to.

    python benchmarks/extremes.py [--share 0.01] [--only one-line tiny] [--memory 8G] [--keep]

Each case is run over ever larger parts of itself, up to a tenth of it and all of it, with the command that its row names. A case
that would take longer than `--limit`, by its last part, is not run any further; a run that takes more memory than `--ceiling` is
stopped; a line says so. Growth is the CPU time of the largest run over that of the run before it, both less what a run over one
record takes, over how much larger its input is: 1 is linear, and 10 is what grows with the square.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import record
import ways
from clauses import mixed, words
from measure import Cost, table
from pipelines import capped
from watch import watch
from ways import Result

PARTS = (0.01, 0.1, 1.0)
"""Of a case, run in turn."""
LEAST = 1000
"""Records (bytes for one line) below which a part is not worth a run."""
LEAST_S = 0.25
"""CPU seconds, less the start, below which growth and ratios are not told: they are noise."""
MOST_GROWTH = 1.3
"""What is asked of it: room for tables that outgrow the caches, none for what grows with the square."""
MOST_PAIRS = 64
"""Pairs measured for each unit."""
MOST_IDENTICAL = 1.3
"""What a million identical documents may take in the time of as many that differ."""
SHARED_TOKENS, OWN_TOKENS = 60, 40
"""Of a document of `one-band`: pairs share 3 in 7 of their tokens and are no duplicates, but a fifth of all documents
have the same band key in any one band."""


@dataclass(frozen=True, slots=True)
class Case:
    """An input at the edge.

    Attributes:
        name: of the row.
        about: what it is, at full size.
        command: of dedup that is run over it.
        n: how many units at full size.
        write: yields the bytes of so many units.
        suffix: of the file.
    """

    name: str
    about: str
    command: str
    n: int
    write: Callable[[int], Iterator[bytes]]
    suffix: str = ".jsonl"


@dataclass(slots=True)
class Ran:
    """The runs of a case: for each its units, bytes, cost, and pairs of segments measured; and why there are no more."""

    name: str
    units: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)
    refused: str = ""


def _one_line(n: int) -> Iterator[bytes]:
    """One record, the text of which is one line of about n bytes: Han letters drawn by lot, a mark after every twelfth."""
    han = words().han
    yield b'{"id": "0", "text": "'
    for at in range(0, n // 3, 1_200_000):
        letters = han[(mixed(1, 0, np.arange(at, min(at + 1_200_000, n // 3))) % np.uint64(len(han))).astype(np.int64)]
        letters[11::12] = np.where(letters[11::12] % 3 == 0, ord("。"), ord("，"))
        yield letters.tobytes().decode("utf-32-le").encode()
    yield b'"}\n'


def _few_clauses(n: int) -> Iterator[bytes]:
    """One record, the text of which is one line of about n bytes: the clauses of the real texts, again and again."""
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
    Case("one-line", "one line of 1 GB", "clean", 10**9, _one_line),
    Case("few-clauses", "one line of 100 MB, of 100,000 clauses", "scan", 10**8, _few_clauses),
    Case("empty-lines", "10 million empty lines", "clean", 10**7, _empty_lines, ".txt"),
    Case("tiny", "200 million records of a word", "scan --grain document", 2 * 10**8, _tiny),
    Case(
        "one-band",
        "a million documents, a fifth of them in one bucket of each band",
        "scan --grain document",
        10**6,
        _one_band,
    ),
    Case("distinct", "a million documents that differ", "scan", 10**6, _distinct),
    Case("identical", "a million documents that are one", "scan", 10**6, _identical),
)
"""Of `tiny` a record is one token and has no paragraph but itself, and in `one-band` it is whole documents that share a bucket: other
grains would only do the same again. The line of `few-clauses` is cut into pieces of up to some MB that have many clauses in common: they
are candidates, and their edit distance takes the square of their length."""


def run_case(case: Case, given: argparse.Namespace) -> Ran:
    """Run a case part by part, as far as memory and time allow."""
    ran = Ran(case.name)
    total = max(LEAST, round(case.n * given.share))
    for part in PARTS:
        n = round(total * part)
        if n < min(LEAST, total):
            continue
        wall = ran.costs[-1].wall_s * n / ran.units[-1] if ran.costs else 0.0
        if wall > given.limit:
            ran.refused = f"{case.name}: {n:,} units are not run: they take some {wall:,.0f} s, more than the {given.limit:g} s of --limit"
            break
        with tempfile.TemporaryDirectory(dir=given.cache) as folder:
            path = Path(folder) / f"in{case.suffix}"
            with path.open("wb") as stream:
                stream.writelines(case.write(n))
            print(f"{case.name}: {n:,} units, {path.stat().st_size / 1e6:,.1f} MB", file=sys.stderr, flush=True)
            size = path.stat().st_size
            done = run(case.command, path, given)
        if isinstance(done, str):
            ran.refused = f"{case.name}: {n:,} units: {done}"
            break
        ran.units.append(n)
        ran.sizes.append(size)
        ran.costs.append(done[0])
        ran.pairs.append(done[1])
    return ran


def run(words: str, path: Path, given: argparse.Namespace) -> tuple[Cost, int] | str:
    """What a run cost and how many pairs it measured, or why it came to no end."""
    command = ways.dedup(words, [str(path)], str(path.with_name("out")), given.threads, given.memory)
    done = watch([*command, "--json"], ways.environment(), given.limit, given.ceiling)
    why = ways.why_failed(done)
    return why or (done.cost, int(re.findall(r'"candidates": (\d+)', done.stdout)[-1]))


def growth(ran: Ran, start: Cost) -> float | None:
    """How the CPU time of the last run grew over that of the run before, for each unit; 1 is linear.

    None where there are no two runs that took long enough beside the start to say.
    """
    if len(ran.costs) < 2:
        return None
    before, last = (cost.cpu_s - start.cpu_s for cost in ran.costs[-2:])
    return None if before < LEAST_S else last / before / (ran.units[-1] / ran.units[-2])


def results_table(found: Sequence[Ran], start: Cost, cap: int | None) -> str:
    """A line a case: its largest run, and the most memory of all of them."""
    about = {case.name: case for case in CASES}
    rows = []
    for ran in found:
        case = about[ran.name]
        if not ran.costs:
            rows.append([ran.name, case.about, case.command, *["-"] * 9])
            continue
        cost, grown = ran.costs[-1], growth(ran, start)
        peak = max(cost.peak_bytes or 0 for cost in ran.costs)
        figures = [f"{ran.units[-1]:,}", f"{ran.units[-1] / case.n:.2%}", f"{ran.sizes[-1] / 1e6:,.1f}"]
        figures += [f"{cost.cpu_s:.2f}", f"{cost.wall_s:.2f}", f"{peak / 1e6:,.0f}"]
        figures.append(f"{ran.pairs[-1] / ran.units[-1]:.2f}")
        figures.append(capped(Result(ran.name, 0.0, ran.costs, cap=cap)))
        rows.append([ran.name, case.about, case.command, *figures, "" if grown is None else f"{grown:.2f}"])
    head = (
        "case",
        "what, in full",
        "command",
        "units run",
        "share",
        "MB",
        "CPU s",
        "wall s",
        "peak PSS MB",
        "pairs a unit",
        "within --memory",
    )
    return table((*head, "growth"), rows)


def identical_ratio(found: Sequence[Ran], start: Cost) -> tuple[int, float] | None:
    """How many identical documents were run, and what they take in the CPU time of as many distinct ones, less the start.

    None where there are no runs of as many of both that took long enough beside the start to say.
    """
    by_name = {ran.name: dict(zip(ran.units, ran.costs, strict=True)) for ran in found}
    one, other = (by_name.get(name, {}) for name in ("identical", "distinct"))
    both = [n for n in one if n in other and other[n].cpu_s - start.cpu_s >= LEAST_S]
    return (both[-1], (one[both[-1]].cpu_s - start.cpu_s) / (other[both[-1]].cpu_s - start.cpu_s)) if both else None


def broken(found: Sequence[Ran], start: Cost, cap: int | None, slack: float = 1.0) -> list[str]:
    """What is not as asked, in words.

    Args:
        slack: times what is asked of growth and of the ratio; small runs are noisy.
    """
    wrong = []
    for ran in found:
        if ran.refused:
            wrong.append(ran.refused)
        if ran.costs and capped(Result(ran.name, 0.0, ran.costs, cap=cap)) == "NO":
            wrong.append(f"{ran.name}: it took more than --memory and {ways.OVER_CAP >> 20} MB")
        if any(pairs > MOST_PAIRS * n for pairs, n in zip(ran.pairs, ran.units, strict=True)):
            wrong.append(f"{ran.name}: more than {MOST_PAIRS} pairs a unit were measured")
        if (grown := growth(ran, start)) and grown > MOST_GROWTH * slack:
            wrong.append(f"{ran.name}: growth is {grown:.2f}; at most {MOST_GROWTH * slack:.2f} is asked")
    ratio = identical_ratio(found, start)
    if ratio and ratio[1] > MOST_IDENTICAL * slack:
        wrong.append(f"identical documents: {ratio[1]:.2f}x; at most {MOST_IDENTICAL * slack:.2f}x is asked")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print, keep; returns the exit code: 1 where something is not as asked."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description="Run dedup over inputs at the edge.")
    parser.add_argument("--share", type=float, default=1.0, help="of each case's full size; CI takes less [1]")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names))
    parser.add_argument("--slack", type=float, default=1.0, help="times the growth and the ratio asked for [1]")
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    ways.add_bounds(parser, limit=7200)
    given = parser.parse_args(arguments)
    if not 0 < given.share <= 1:
        parser.error("--share is above 0 and at most 1")
    given.cache.mkdir(parents=True, exist_ok=True)
    about = record.machine()
    with tempfile.TemporaryDirectory(dir=given.cache) as folder:
        one = Path(folder) / "one.jsonl"
        one.write_bytes(b"".join(_tiny(1)))
        bare = run("scan", one, given)
    if isinstance(bare, str):
        print(f"a run over one record failed: {bare}", file=sys.stderr)
        return 1
    start = bare[0]
    found, cap = [run_case(case, given) for case in CASES if case.name in given.only], ways.cap_of(given.memory)
    memory, ratio = (start.peak_bytes or 0) / 1e6, identical_ratio(found, start)
    parts = [
        f"One record takes {start.cpu_s:.2f} s of CPU time and {memory:,.0f} MB.",
        results_table(found, start, cap),
    ]
    if ratio:
        said = f"{ratio[0]:,} identical documents take {ratio[1]:.2f}x the CPU time of as many that differ"
        parts.append(f"{said}; at most {MOST_IDENTICAL}x is asked.")
    wrong = broken(found, start, cap, given.slack)
    parts.append("\n".join(f"- {why}" for why in wrong) or "All is as asked: linear, within memory.")
    text = "\n\n".join(parts)
    print(text)
    if given.keep:
        lines: list[dict[str, object]] = [asdict(ran) for ran in found]
        print(f"\nkept in {record.keep_lines(Path(__file__).with_name('results'), about, lines, text, 'Extremes')}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
