"""How fast this is, in one command: text -> signature, grouping and whole runs over files, beside rivals and limits.

    python benchmarks/speed.py [--mb 100] [--rounds 5] [--threads 1] [--keep] [--check]

Everything is CPU time of this machine in this minute; what counts are the ratios, all of the same run on the same
text. Slow rivals get a sample of it, whose size their rows name, and are compared per MB. README.md says what is fair
and what is not.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import measure
import record
import sketchers
from corpora import CACHE, RATES, Layout, Made, corpus, laid_out, paragraphs
from limits import plain_decoder
from measure import Ratio, Row
from wholes import whole

from dedup import kernels
from dedup.stages.sketch import lanes

OURS = "dedup: text -> signature + bands"
DATASKETCH, DATASKETCH_READY = "datasketch: from text", "datasketch: bulk on ready shingles"
RENSA, RENSA_READY, RENSA_MATRIX = "rensa: from text", "rensa: on ready strings", "rensa: matrix of ready strings"
SHINGLES, DECODE, BYTES_DECODE = "Python shingles alone", "plain C decode loop", "CPython bytes.decode"
GROUP, DATASKETCH_GROUP, RENSA_GROUP = "dedup: grouping", "datasketch: LSH query + insert", "rensa: LSH insert + flags"

LONG, LONG_RENSA = "documents: dedup, text -> signature", "documents: rensa, matrix of ready strings"
HASHES, HASHES_RENSA = "documents: dedup, ready hashes -> signature", "documents: rensa, ready hashes -> signature"

# floors and ceilings of the design; ratios without one are there to be read
RATIOS = (
    Ratio(DATASKETCH, OURS, at_least=60),
    Ratio(DATASKETCH_READY, OURS),
    Ratio(RENSA, OURS, at_least=25),
    Ratio(RENSA_READY, OURS, at_least=12),
    Ratio(RENSA_MATRIX, OURS),
    Ratio(SHINGLES, OURS),
    Ratio(OURS, DECODE),
    Ratio(OURS, BYTES_DECODE),
    Ratio(LONG_RENSA, LONG, at_least=2),
    Ratio(HASHES_RENSA, HASHES),
    Ratio(DATASKETCH_GROUP, GROUP),
    Ratio(RENSA_GROUP, GROUP, at_least=10),
)
LONG_BYTES = 4096
"""Documents are at least so long where long ones are measured."""
_GRAIN_NOTES = {
    "auto": "the default: whole records, then the paragraphs of those kept; all passes",
    "document": "near-duplicate records only; all passes",
    "paragraph": "near-duplicate paragraphs only; all passes",
}


def whole_ratios(layout: Layout, threads: int) -> list[Ratio]:
    """What is asked of whole runs over the file of one layout."""
    read = f"{layout}s: pyarrow.json reads"
    limits = {"auto": 2.0, "document": 1.3, "paragraph": 1.3}
    found = [Ratio(f"{layout}s: scan {grain}", read, at_most=most, per_unit=False) for grain, most in limits.items()]
    found.append(Ratio(f"{layout}s: clean auto", f"{layout}s: scan auto", at_most=1.5, per_unit=False))
    if threads > 1:
        floor = 1.7 if threads == 2 else None
        found.append(
            Ratio(f"{layout}s: scan auto", f"{layout}s: scan auto, {threads} threads", floor, per_unit=False, wall=True)
        )
    return found


def sketch_rows(made: Made, sample_mb: float) -> list[Row]:
    """Text -> signature: ours on the whole corpus, the rivals on a sample, and what reading the text costs at least."""
    text, starts, ends = laid_out(paragraphs(made))
    a, b = lanes(sketchers.LANES, sketchers.SEED)

    def ours() -> object:
        signatures = kernels.scan(text, starts, ends, sketchers.K, sketchers.SEED, a, b)[3]
        return kernels.band_keys(signatures, sketchers.BANDS, sketchers.LANES // sketchers.BANDS)

    mb, raw = len(text) / 1e6, text.tobytes()
    sample = list(paragraphs(made, round(sample_mb * 1e6)))
    sample_is = sum(len(paragraph.encode()) for paragraph in sample) / 1e6
    sets, said = sketchers.all_shingles(sample), f"sample of {sample_is:.1f} MB"
    rows = [
        Row(
            OURS, mb, "MB", ours, f"{sketchers.LANES} lanes, k={sketchers.K}; with exact hash, numerals and token count"
        ),
        Row(BYTES_DECODE, mb, "MB", raw.decode),
        Row(SHINGLES, sample_is, "MB", lambda: sketchers.all_shingles(sample), f"{said}; part of the rows from text"),
    ]
    if sketchers.is_installed("datasketch"):
        ready = sketchers.as_bytes(sets)
        rows.append(Row(DATASKETCH, sample_is, "MB", lambda: sketchers.datasketch_text(sample), said))
        rows.append(Row(DATASKETCH_READY, sample_is, "MB", lambda: sketchers.datasketch_ready(ready), said))
    if sketchers.is_installed("rensa"):
        strings = [list(one) for one in sets]
        rows.append(Row(RENSA, sample_is, "MB", lambda: sketchers.rensa_text(sample), said))
        rows.append(
            Row(RENSA_READY, sample_is, "MB", lambda: sketchers.rensa_ready(strings), f"{said}; no text is read")
        )
        rows.append(
            Row(RENSA_MATRIX, sample_is, "MB", lambda: sketchers.rensa_matrix(strings), f"{said}; no text is read")
        )
    decode = plain_decoder()
    if decode is not None:
        rows.append(Row(DECODE, mb, "MB", lambda: decode(raw), "the least that looking at each code point costs"))
    return rows


def document_rows(made: Made, sample_mb: float) -> list[Row]:
    """Long texts -> signature, beside rensa: from ready strings, and the kernels alone on the same ready hashes.

    rensa's lanes are not independent draws, ours are, as datasketch has them: on long texts that is more work a hash.
    """
    if not sketchers.is_installed("rensa"):
        return []
    sample = list(_long(paragraphs(made, round(4e6 * sample_mb))))
    text, starts, ends = laid_out(sample)
    a, b = lanes(sketchers.LANES, sketchers.SEED)
    strings = [list(one) for one in sketchers.all_shingles(sample)]
    values, offsets = kernels.text_shingles(text, starts, ends, sketchers.K, sketchers.SEED)
    places, mb = offsets.astype("uint64"), len(text) / 1e6
    said = f"{len(sample):,} documents of {len(text) / len(sample):,.0f} B"
    return [
        Row(LONG, mb, "MB", lambda: kernels.scan(text, starts, ends, sketchers.K, sketchers.SEED, a, b)[3], said),
        Row(LONG_RENSA, mb, "MB", lambda: sketchers.rensa_matrix(strings), f"{said}; no text is read"),
        Row(HASHES, mb, "MB", lambda: kernels.sketch(values, offsets, a, b), said),
        Row(HASHES_RENSA, mb, "MB", lambda: sketchers.rensa_hashes(values, places), f"{said}; another method"),
    ]


def _long(texts: Iterable[str]) -> Iterator[str]:
    """Texts in a row, joined to documents of `LONG_BYTES` and more."""
    parts: list[str] = []
    size = 0
    for one in texts:
        parts.append(one)
        size += len(one.encode()) + 1
        if size > LONG_BYTES:
            yield "\n".join(parts)
            parts, size = [], 0


def group_rows(made: Made, sample_mb: float) -> list[Row]:
    """Signatures -> who shares a bucket with whom; a key is one text in one band."""
    text, starts, ends = laid_out(paragraphs(made))
    a, b = lanes(sketchers.LANES, sketchers.SEED)
    signatures = kernels.scan(text, starts, ends, sketchers.K, sketchers.SEED, a, b)[3]
    keys = kernels.band_keys(signatures, sketchers.BANDS, sketchers.LANES // sketchers.BANDS)
    del signatures
    rows = [Row(GROUP, keys.size, "key", lambda: [kernels.bucket_pairs(band, 8) for band in keys], "gives pairs")]
    sample = list(paragraphs(made, round(sample_mb * 1e6)))
    n_keys, said = len(sample) * sketchers.BANDS, f"sample of {len(sample):,} texts"
    if sketchers.is_installed("datasketch"):
        signed = sketchers.datasketch_text(sample)
        note = f"{said}; gives candidates"
        rows.append(Row(DATASKETCH_GROUP, n_keys, "key", lambda: sketchers.datasketch_group(signed), note))
    if sketchers.is_installed("rensa"):
        matrix = sketchers.rensa_text(sample)
        note = f"{said}; says only whether there are any"
        rows.append(Row(RENSA_GROUP, n_keys, "key", lambda: sketchers.rensa_group(matrix), note))
    return rows


def whole_rows(made: Made, threads: int) -> list[Row]:
    """Whole runs over the JSONL, each in a process of its own, and how long pyarrow takes only to read it."""
    mb, path, layout = made.file_bytes / 1e6, made.path, made.layout
    rows = [
        Row(f"{layout}s: pyarrow.json reads", mb, "MB", lambda: whole("pyarrow", path), "one thread, explicit schema")
    ]
    for grain, note in _GRAIN_NOTES.items():
        rows.append(Row(f"{layout}s: scan {grain}", mb, "MB", partial(whole, f"scan-{grain}", path), note))
    if threads > 1:
        rows.append(
            Row(f"{layout}s: scan auto, {threads} threads", mb, "MB", lambda: whole("scan-auto", path, threads))
        )
    rows.append(
        Row(f"{layout}s: clean auto", mb, "MB", lambda: whole("clean", path), "scan auto, and all of OUT written")
    )
    return rows


def memory_lines(made: Made, rows: Sequence[Row]) -> list[str]:
    """Peak memory of scan in bytes a paragraph, above that of the loaded modules and the text itself."""
    lines = []
    for row in rows:
        peaks = [cost.peak_bytes - cost.bare_bytes for cost in row.costs if cost.peak_bytes and cost.bare_bytes]
        if row.name.startswith(f"{made.layout}s: scan") and peaks:
            extra = (statistics.median(peaks) - made.text_bytes) / made.paragraphs
            lines.append(f"- {row.name}: {extra:,.0f} B a paragraph")
    return lines


def run(given: argparse.Namespace) -> tuple[list[Row], list[measure.Found], str]:
    """Make the corpora, run all rows, and put what was found into words."""
    made = [corpus(given.mb, layout, given.cache, given.seed) for layout in given.layout]
    _tell(f"{made[0].distinct:.1%} of {made[0].paragraphs:,} paragraphs differ after folding")
    fast = [row for rows_of in (sketch_rows, document_rows, group_rows) for row in rows_of(made[0], given.sample_mb)]
    measure.run_rounds(fast, given.rounds, _tell)
    rows, ratios, memory = fast, list(RATIOS), []
    if not given.no_wholes:
        for one in made:
            wholes = whole_rows(one, given.threads)
            measure.run_rounds(wholes, given.rounds, _tell)
            memory += memory_lines(one, wholes)
            rows = [*rows, *wholes]
            ratios += whole_ratios(one.layout, given.threads)
    found = measure.compare(rows, ratios)
    _tell("")
    parts = [_about(made), measure.rows_table(rows), measure.ratios_table(found), *_left_out(rows)]
    if memory:
        parts.append(
            "\n".join(["Peak memory above the loaded modules and the text; the design has 130 B a segment:", *memory])
        )
    return rows, found, "\n\n".join(parts)


def _about(made: Sequence[Made]) -> str:
    said = [
        f"- {one.layout}s: {one.text_bytes / 1e6:,.1f} MB of text in {one.file_bytes / 1e6:,.1f} MB of JSONL, "
        f"{one.records:,} records, {one.paragraphs:,} paragraphs, {one.distinct:.1%} of them differ after folding; "
        f"text taken {one.copies} times; sha256 {one.sha256[:16]}"
        for one in made
    ]
    rates = ", ".join(f"{rate:g} ({share:.1%})" for share, rate in RATES)
    said.append(f"- share of tokens replaced in the paragraphs of further copies (of how many): {rates}")
    return "\n".join([*said, f"- kernels: {kernels.IMPLEMENTATION}"])


def _left_out(rows: Sequence[Row]) -> list[str]:
    """Say which rows are not there, and why."""
    have = {row.name for row in rows}
    lines = [
        f"left out: {name} is not installed" for name in ("datasketch", "rensa") if not sketchers.is_installed(name)
    ]
    return lines if DECODE in have else [*lines, f"left out: {DECODE}; there is no C compiler"]


def _tell(what: str) -> None:
    """Say on standard error what is being done, where someone is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measure text -> signature, grouping and whole runs, beside rivals and limits."
    )
    parser.add_argument("--mb", type=float, default=100, help="text in the corpus, in 10**6 bytes")
    parser.add_argument("--sample-mb", type=float, default=1, help="text for the rivals, which are slow")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="above 1, scan is run with so many threads too")
    layouts = list(get_args(Layout))
    parser.add_argument("--layout", nargs="+", choices=layouts, default=layouts, help="what a record of the files is")
    parser.add_argument("--no-wholes", action="store_true", help="leave the runs over files out")
    parser.add_argument("--seed", type=int, default=1, help="draws the edits of the corpus")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where corpora are kept")
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")
    parser.add_argument("--check", action="store_true", help="exit 1 if a floor is missed")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, keep; returns the exit code."""
    given = _arguments(words)
    machine = record.machine()
    rows, found, text = run(given)
    print(text)
    if given.keep:
        print(f"\nkept in {record.keep(Path(__file__).with_name('results'), machine, rows, text)}")
    return int(given.check and not all(one.holds for one in found))


if __name__ == "__main__":
    sys.exit(main())
