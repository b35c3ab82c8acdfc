"""daft: reads, normalises, sketches, bands, joins and writes in its own engine, after its tutorial on this.

Nearly all of the time is its own; this file joins pairs into clusters (union-find over the pairs, of which there are
few) where the tutorial lets the engine run rounds of joins, which is slower. Its words end at spaces, so a space is put
around each Han character first, by its own regular expressions: without that a Chinese clause would be one word.
Settings: lower case, no punctuation, white space collapsed; 128 hashes of word 3-grams with xxhash; 16 bands of 8
columns would miss what we ask for, so 32 bands of 4. Not verified: what shares a bucket is a duplicate, as in the
tutorial. Records are written by its JSON writer.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import daft
from adapter import Clock, arguments
from daft import col, functions

BANDS, ROWS = 32, 4


def _roots(pairs: dict[str, list[int]]) -> set[int]:
    """Those of the documents in pairs that are not the first of their cluster."""
    parent: dict[int, int] = {}

    def root(of: int) -> int:
        while parent.setdefault(of, of) != of:
            parent[of] = parent[parent[of]]
            of = parent[of]
        return of

    for one, other in zip(pairs["first"], pairs["row"], strict=True):
        a, b = sorted((root(one), root(other)))
        parent[b] = a
    return {one for one in parent if root(one) != one}


def main() -> None:
    """Deduplicate whole documents, the first stays."""
    clock = Clock()
    out, paths = arguments()
    read = daft.read_json(paths)._add_monotonically_increasing_id("row").collect()
    words = functions.regexp_replace(col("text"), r"([\u3400-\u9fff])", " $1 ")
    normal = functions.normalize(words, remove_punct=True, lowercase=True, nfd_unicode=False, white_space=True)
    sketch = functions.minhash(normal, num_hashes=BANDS * ROWS, ngram_size=3, seed=1, hash_function="xxhash")
    bands = functions.chunk(functions.cast(sketch, daft.DataType.list(daft.DataType.uint32())), ROWS)
    keyed = read.select(col("row"), bands.alias("key"))
    keyed = keyed.with_column("band", daft.lit(list(range(BANDS)))).explode("key", "band")
    keyed = keyed.select(
        col("row"),
        functions.hash(functions.cast(col("key"), daft.DataType.list(daft.DataType.uint32())), seed=col("band")).alias(
            "key"
        ),
    )
    firsts = (
        keyed.groupby("key").agg(col("row").min().alias("first"), col("row").count().alias("n")).where(col("n") > 1)
    )
    pairs = keyed.join(firsts, on="key").where(col("row") != col("first")).select("first", "row").distinct()
    gone = _roots(pairs.to_pydict())
    drop = daft.from_pydict({"row": daft.Series.from_pylist(sorted(gone) or [-1]).cast(daft.DataType.uint64())})
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as folder:
        read.join(drop, on="row", how="anti").exclude("row").write_json(folder)
        with Path(out).open("wb") as stream:
            for path in sorted(Path(folder).rglob("*.json*")):
                with path.open("rb") as part:
                    shutil.copyfileobj(part, stream)
    clock.lap("own")
    clock.tell()


if __name__ == "__main__":
    main()
