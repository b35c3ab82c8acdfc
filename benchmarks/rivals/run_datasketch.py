"""datasketch: MinHash over shingles, MinHashLSH; a document goes in unless the index knows one like it.

It is a library: reading, shingles and writing are this file's, in plain Python, and most of the time goes there; so it is
never counted as the fastest rival. `bulk` is its faster way to make signatures. Settings: 128 lanes, its defaults
otherwise; threshold .5, bands and rows as it picks them. Shingles of 3 tokens as ours. Not verified: what shares a bucket
is a duplicate, which is how its guide goes about it.
"""

from __future__ import annotations

from itertools import islice

from adapter import Clock, arguments, read, shingles, write
from datasketch import MinHash, MinHashLSH

AT_ONCE = 1000


def main() -> None:
    """Deduplicate whole documents, the first stays."""
    clock = Clock()
    out, paths = arguments()
    lines, texts = read(paths)
    clock.lap("read")
    index = MinHashLSH(threshold=0.5, num_perm=128)
    keep: list[bool] = []
    rest = iter(texts)
    while some := list(islice(rest, AT_ONCE)):
        sets = [[shingle.encode() for shingle in shingles(text)] for text in some]
        clock.lap("shingles")
        for signature in MinHash.bulk(sets, num_perm=128):
            known = bool(index.query(signature))
            if not known:
                index.insert(len(keep), signature, check_duplication=False)
            keep.append(not known)
        clock.lap("own")
    write(out, lines, keep)
    clock.lap("write")
    clock.tell()


if __name__ == "__main__":
    main()
