"""rensa: RMinHashDeduplicator, which sketches, finds and compares estimates in Rust.

It is a library that takes tokens: reading, shingles and writing are this file's, in plain Python, and most of the time
goes there; so it is never counted as the fastest rival. Its full sketch, not rho, which samples tokens by position.
Settings as in its guide (128 lanes, with LSH); threshold .5. Shingles of 3 tokens as ours.
"""

from __future__ import annotations

from itertools import islice

from adapter import Clock, arguments, read, shingles, write
from rensa import RMinHashDeduplicator

AT_ONCE = 1000


def main() -> None:
    """Deduplicate whole documents, the first stays."""
    clock = Clock()
    out, paths = arguments()
    lines, texts = read(paths)
    clock.lap("read")
    known = RMinHashDeduplicator(threshold=0.5, num_perm=128, use_lsh=True)
    keep: list[bool] = []
    rest = iter(texts)
    while some := list(islice(rest, AT_ONCE)):
        sets = [list(shingles(text)) for text in some]
        clock.lap("shingles")
        keep += known.add_pairs((str(len(keep) + n), one) for n, one in enumerate(sets))
        clock.lap("own")
    write(out, lines, keep)
    clock.lap("write")
    clock.tell()


if __name__ == "__main__":
    main()
