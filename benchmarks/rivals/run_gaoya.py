"""gaoya: MinHashStringIndex, which shingles, sketches, finds and compares estimates in Rust.

Reading and writing are this file's; all else is its own code. Settings: characters in 5-grams (its word analyzer cuts at
white space, and Chinese has none), lower case, 20 bands of 5 as by default, threshold .5. Its bulk calls use all cores. A
document goes unless none of those before it that are kept is among those it finds.
"""

from __future__ import annotations

from adapter import Clock, arguments, read, write
from gaoya.minhash import MinHashStringIndex


def main() -> None:
    """Deduplicate whole documents, the first stays."""
    clock = Clock()
    out, paths = arguments()
    lines, texts = read(paths)
    clock.lap("read")
    index = MinHashStringIndex(32, 0.5, 20, 5, None, "char", True, (5, 5))
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    found = index.par_bulk_query(texts)
    clock.lap("own")
    keep = [True] * len(texts)
    for number, alike in enumerate(found):
        keep[number] = not any(other < number and keep[other] for other in alike)
    write(out, lines, keep)
    clock.lap("write")
    clock.tell()


if __name__ == "__main__":
    main()
