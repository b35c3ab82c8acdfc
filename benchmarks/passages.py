"""How much of the passages that two texts are known to share is found as repeats: bills, statutes, books.

    python benchmarks/passages.py               # the tables
    python benchmarks/passages.py --no-books    # without the books, which take longest

Each pair of texts is cleaned with `--scope corpus --cut exact`, so that whatever repeats is cut from the second, to the
token; what counts is the share of the second text's passage that was cut (its containment in the repeats).

- `spans/`: passages of two bills aligned by machine and judged by hand. Only the passages are given, most of them shorter than a repeat, so
  each is set between fillers that nothing else has. Rows are the labels and how long the longest stretch is that both passages share word
  for word, by brute force: a stretch below the weight of a repeat is not to be found, one of it is.
- `textreuse/legal`: sections of a code of 1851 taken from one of 1850, and others that were not.
- `textreuse/ats`: eight scanned books, pair by pair; it is not written down which passages they share, only that some do.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import dedup
from dedup import kernels
from dedup.api import Cleaned
from dedup.config import Config
from dedup.model import Strings

CONFIG = Config(scope="corpus", cut="exact", boilerplate="keep", min_left_tokens=0)
WHOLE = replace(
    CONFIG, document=replace(CONFIG.document, threshold=1.0)
)  # a book is not to go as a near-duplicate of another
FILLER = 30


@dataclass(frozen=True, slots=True)
class Found:
    """Of one passage: its tokens, those in repeats, and the weight of the longest stretch that stands in the other text too."""

    tokens: int
    repeated: int
    weight: int


def tokens_of(text: str) -> tuple[list[int], list[int], list[int]]:
    """The tokens of a text, and where each starts and ends in its UTF-8."""
    laid = Strings.of([text.encode()])
    values, _, starts, ends = kernels.tokenize(laid.values, laid.offsets[:1].copy(), laid.offsets[1:].copy())
    return values.tolist(), starts.tolist(), ends.tolist()


def longest_shared(one: list[int], other: list[int]) -> int:
    """Weight of the longest run of tokens that both have, by the table of all pairs; the low bit of a token is set where it weighs 2."""
    best, above = 0, [0] * (len(other) + 1)
    for x in one:
        row = [0] * (len(other) + 1)
        for j, y in enumerate(other):
            if x == y:
                row[j + 1] = above[j] + 1 + (x & 1)
        best, above = max(best, *row), row
    return best


def repeated(texts: list[str], config: Config, low: int = 0, high: int | None = None) -> tuple[int, int]:
    """(tokens, those cut) of bytes [low, high) of the last of the texts."""
    done = dedup.clean(texts, config)
    assert isinstance(done, Cleaned)
    last = len(texts) - 1
    cut = [(line["start"], line["end"]) for line in done.removed if line["record"] == last and line["action"] != "keep"]
    _, starts, ends = tokens_of(texts[-1])
    mine = [(s, e) for s, e in zip(starts, ends, strict=True) if s >= low and (high is None or e <= high)]
    return len(mine), sum(any(a <= s and e <= b for a, b in cut) for s, e in mine)


def _filler(number: int, side: str) -> str:
    return " ".join(f"{side}{number}x{place}" for place in range(FILLER))


def bills(folder: Path) -> Iterator[tuple[str, Found]]:
    """(label, what was found) of each pair of passages."""
    path = folder / "spans" / "bill_alignments.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        before = f"{_filler(number, 'b')} "
        texts = [
            f"{_filler(number, 'p')} {row['left']} {_filler(number, 'q')}",
            f"{before}{row['right']} {_filler(number, 'e')}",
        ]
        low, high = len(before.encode()), len(before.encode()) + len(row["right"].encode())
        weight = longest_shared(tokens_of(row["left"])[0], tokens_of(row["right"])[0])
        yield row["label"], Found(*repeated(texts, WHOLE, low, high), weight)


def print_bills(folder: Path) -> None:
    """The table of the bills."""
    rows: dict[tuple[str, bool], list[Found]] = {}
    for label, found in bills(folder):
        rows.setdefault((label, found.weight >= CONFIG.repeat_weight), []).append(found)
    print(f"spans/bill_alignments: label, longest shared stretch below or from weight {CONFIG.repeat_weight} on")
    print("  label  shared   passages  with repeats  tokens in repeats")
    for (label, long), mine in sorted(rows.items()):
        share = sum(found.repeated for found in mine) / sum(found.tokens for found in mine)
        several = sum(found.repeated > 0 for found in mine)
        print(f"  {label:>5}  {'long' if long else 'short':6} {len(mine):9,} {several:13,} {share:18.1%}")


def print_statutes(folder: Path) -> None:
    """The table of the statutes: a row a file, and how many of its sections have a repeat."""
    legal = folder / "textreuse" / "legal"
    source = (legal / "ny1850-match.txt").read_text(encoding="utf-8-sig")
    print("textreuse/legal: of each file the share that stands in ny1850-match.txt")
    print("  file                  weight   sections  with repeats  tokens in repeats")
    for name in ("ca1851-match.txt", "ca1851-nomatch.txt"):
        sections = ["§" + part for part in (legal / name).read_text(encoding="utf-8-sig").split("§")[1:]]
        for weight in (40, 22):
            counts = [repeated([source, part], replace(WHOLE, repeat_weight=weight)) for part in sections]
            share = sum(n for _, n in counts) / sum(n for n, _ in counts)
            print(f"  {name:20} {weight:7} {len(sections):10,} {sum(n > 0 for _, n in counts):13,} {share:18.1%}")


def print_books(folder: Path) -> None:
    """The table of the books: pairs of which at least one token in a hundred is repeated, each against the share of the shorter."""
    books = {
        path.stem: path.read_text(encoding="utf-8", errors="replace")
        for path in sorted((folder / "textreuse" / "ats").glob("*.txt"))
    }
    alone = {name: repeated([text], WHOLE)[1] for name, text in books.items()}
    print(
        "textreuse/ats: of the shorter book the share that stands in the other one; pairs with less than 0.1 % are counted only"
    )
    few = 0
    for one, other in combinations(sorted(books, key=lambda name: -len(books[name])), 2):
        tokens, cut = repeated([books[one], books[other]], WHOLE)
        share = max(cut - alone[other], 0) / tokens  # without what it repeats of itself
        few += share < 0.001
        if share >= 0.001:
            print(f"  {other:26} in {one:26} {share:7.1%}")
    print(f"  and {few} pairs")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="How much of known shared passages is found as repeats.")
    parser.add_argument("--no-books", action="store_true", help="leave the books out")
    given = parser.parse_args()
    folder = Path(os.environ.get("DEDUP_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
    print_bills(folder)
    print_statutes(folder)
    if not given.no_books:
        print_books(folder)


if __name__ == "__main__":
    main()
