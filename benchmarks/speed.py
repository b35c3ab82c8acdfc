"""How fast this is, in one command: text -> signature, grouping and whole runs over files, beside rivals and limits.

    python benchmarks/speed.py [--mb 100] [--rounds 5] [--threads 1] [--rivals DIR] [--keep]

Everything is CPU time of this machine in this minute; what counts are the ratios, all of the same run on the same
text. Slow rivals get a sample of it, whose size their rows name, and are compared per MB. README.md says what is fair
and what is not. `demands.py` runs the same and holds it against what is asked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import measure
import numpy as np
import record
import sketchers
from corpora import CACHE, RATES, Layout, Made, corpus, documents, laid_out, paragraphs
from limits import plain_decoder
from measure import Ratio, Row
from rivals import ADAPTERS, Rival
from wholes import whole

from dedup import kernels
from dedup.stages.sketch import lanes

OURS = "dedup: text -> signature + bands"
DATASKETCH, DATASKETCH_READY = "datasketch: from text", "datasketch: bulk on ready shingles"
RENSA, RENSA_READY, RENSA_MATRIX = "rensa: from text", "rensa: on ready strings", "rensa: matrix of ready strings"
DAFT, DATATROVE = "daft: minhash of ready words", "datatrove: from text"
SHINGLES, DECODE, BYTES_DECODE = "Python shingles alone", "plain C decode loop", "CPython bytes.decode"
GROUP, DATASKETCH_GROUP, RENSA_GROUP = "dedup: grouping", "datasketch: LSH query + insert", "rensa: LSH insert + flags"

LONG, RENSA_LONG, RENSA_LONG_MATRIX = (
    "dedup: long documents",
    "rensa: long, ready strings",
    "rensa: long, matrix of strings",
)
KERNEL, RENSA_KERNEL = "dedup: long, kernel on hashes", "rensa: long, matrix of hashes"
LONG_BYTES = 4096
"""Of a long document, at least."""

# floors and ceilings of the design; ratios without one are there to be read
RATIOS = (
    Ratio(DATASKETCH, OURS, at_least=100),
    Ratio(DATASKETCH_READY, OURS),
    Ratio(RENSA, OURS, at_least=40),
    Ratio(RENSA_READY, OURS, at_least=12),
    Ratio(RENSA_MATRIX, OURS),
    Ratio(DAFT, OURS, at_least=5),
    Ratio(DATATROVE, OURS, at_least=90),
    Ratio(RENSA_LONG, LONG, at_least=2),
    Ratio(RENSA_LONG_MATRIX, LONG, at_least=2),
    Ratio(RENSA_KERNEL, KERNEL, at_least=1),
    Ratio(SHINGLES, OURS),
    Ratio(OURS, DECODE),
    Ratio(OURS, BYTES_DECODE),
    Ratio(DATASKETCH_GROUP, GROUP),
    Ratio(RENSA_GROUP, GROUP),
)
_SCANS = {
    "near": ("near-duplicates of the default alone: no repeats, no boilerplate", 1.3),
    "document": ("near-duplicate records alone", 1.3),
    "auto": ("the default, all of it", 2.0),
}
"""What each is, and the most that it may take in the time that pyarrow reads in."""


def whole_ratios(layout: Layout, threads: int) -> list[Ratio]:
    """What is asked of whole runs over the file of one layout."""
    read = f"{layout}s: pyarrow.json reads"
    found = [Ratio(f"{layout}s: scan {name}", read, at_most=most, per_unit=False) for name, (_, most) in _SCANS.items()]
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
    if decode:
        rows.append(Row(DECODE, mb, "MB", lambda: decode(raw), "the least that looking at each code point costs"))
    return rows


def rival_rows(made: Made, sample_mb: float, folder: Path | None, work: Path) -> list[Row]:
    """Text -> signature of the rivals that have environments of their own, on samples as large as they bear."""
    rows = []
    for name, adapter, times in ((DAFT, "daft", 5), (DATATROVE, "datatrove", 1)):
        python = Rival(adapter, adapter).python(folder) if folder else Path()
        if not folder or not python.exists():
            continue
        sample = list(paragraphs(made, round(times * sample_mb * 1e6)))
        path = work / f"sample-{adapter}.jsonl"
        path.write_text(
            "".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in sample), encoding="utf-8"
        )
        mb = sum(len(one.encode()) for one in sample) / 1e6
        command = [str(python), str(ADAPTERS / f"sign_{adapter}.py"), str(path)]
        rows.append(
            Row(name, mb, "MB", partial(_told, command), f"sample of {mb:.1f} MB; in an environment of its own")
        )
    return rows


def _told(command: Sequence[str]) -> measure.Cost:
    """What a command says that it cost."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return measure.Cost(**json.loads(done.stdout.splitlines()[-1]))


def long_rows(made: Made, sample_mb: float) -> list[Row]:
    """Long documents, text -> signature and hashes -> signature: ours, and rensa on a sample."""
    texts = [text for text in documents(made) if len(text.encode()) >= LONG_BYTES]
    text, starts, ends = laid_out(texts)
    a, b = lanes(sketchers.LANES, sketchers.SEED)
    hashes, offsets = kernels.shingle(*kernels.tokens(text, starts, ends), sketchers.K, sketchers.SEED)
    said = f"{len(texts):,} documents of {LONG_BYTES:,} bytes or more"
    rows = [
        Row(LONG, len(text) / 1e6, "MB", lambda: kernels.scan(text, starts, ends, sketchers.K, 1, a, b), said),
        Row(KERNEL, len(text) / 1e6, "MB", lambda: kernels.sketch(hashes, offsets, a, b), f"{len(hashes):,} hashes"),
    ]
    if not sketchers.is_installed("rensa"):
        return rows
    sample = texts[: max(1, round(len(texts) * sample_mb * 1e6 / max(len(text), 1)))]
    mb, strings = sum(len(one.encode()) for one in sample) / 1e6, [list(one) for one in sketchers.all_shingles(sample)]
    some, few = hashes[: offsets[len(sample)]], offsets[: len(sample) + 1].astype(np.uint64)
    note = f"sample of {mb:.1f} MB; no text is read"
    return [
        *rows,
        Row(RENSA_LONG, mb, "MB", lambda: sketchers.rensa_ready(strings), note),
        Row(RENSA_LONG_MATRIX, mb, "MB", lambda: sketchers.rensa_matrix(strings), note),
        Row(RENSA_KERNEL, mb, "MB", lambda: sketchers.rensa_hashes(some, few), note),
    ]


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
    for name, (note, _) in _SCANS.items():
        rows.append(Row(f"{layout}s: scan {name}", mb, "MB", partial(whole, f"scan-{name}", path), note))
    if threads > 1:
        rows.append(
            Row(f"{layout}s: scan auto, {threads} threads", mb, "MB", lambda: whole("scan-auto", path, threads))
        )
    rows.append(
        Row(f"{layout}s: clean auto", mb, "MB", lambda: whole("clean", path), "scan auto, and all of OUT written")
    )
    return rows


def segment_bytes(made: Made, rows: Sequence[Row]) -> dict[str, float]:
    """Peak memory of each scan in bytes a paragraph, above that of the loaded modules and the text itself."""
    found = {}
    for row in rows:
        peaks = [cost.peak_bytes - cost.bare_bytes for cost in row.costs if cost.peak_bytes and cost.bare_bytes]
        if row.name.startswith(f"{made.layout}s: scan") and "threads" not in row.name and peaks:
            found[row.name] = (statistics.median(peaks) - made.text_bytes) / made.paragraphs
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """A run: its rows, its ratios, bytes a segment by row, all of it in words, and the load before and after whole runs."""

    rows: list[Row]
    found: list[measure.Found]
    segments: dict[str, float]
    text: str
    load: str


def run(given: argparse.Namespace) -> Measured:
    """Make the corpora, run all rows, and put what was found into words."""
    made = [corpus(given.mb, layout, given.cache, given.seed) for layout in given.layout]
    _tell(f"{made[0].distinct:.1%} of {made[0].paragraphs:,} paragraphs differ after folding")
    rows, ratios, segments = step_rows(made, given), list(RATIOS), {}
    measure.run_rounds(rows, given.rounds, _tell)
    load = record.load()
    if not given.no_wholes:
        for one in made:
            wholes = whole_rows(one, given.threads)
            measure.run_rounds(wholes, given.rounds, _tell)
            segments.update(segment_bytes(one, wholes))
            rows += wholes
            ratios += whole_ratios(one.layout, given.threads)
    found = measure.compare(rows, ratios)
    _tell("")
    parts = [_about(made), measure.rows_table(rows), measure.ratios_table(found), *_left_out(rows)]
    if segments:
        said = "Peak memory above the loaded modules and the text:"
        parts.append("\n".join([said, *(f"- {name}: {each:,.0f} B a paragraph" for name, each in segments.items())]))
    return Measured(rows, found, segments, "\n\n".join(parts), f"{load} before, {record.load()} after")


def step_rows(made: Sequence[Made], given: argparse.Namespace) -> list[Row]:
    """All rows of single steps."""
    rows = [*sketch_rows(made[0], given.sample_mb), *rival_rows(made[0], given.sample_mb, given.rivals, given.cache)]
    if whole_documents := [one for one in made if one.layout == "document"]:
        rows += long_rows(whole_documents[0], given.sample_mb)
    return [*rows, *group_rows(made[0], given.sample_mb)]


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
    lines += [f"left out: {name}; it has no environment in --rivals" for name in (DAFT, DATATROVE) if name not in have]
    return lines if DECODE in have else [*lines, f"left out: {DECODE}; there is no C compiler"]


def _tell(what: str) -> None:
    """Say on standard error what is being done, where someone is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of commands that run these rows."""
    parser.add_argument("--mb", type=float, default=100, help="text in the corpus, in 10**6 bytes")
    parser.add_argument("--sample-mb", type=float, default=1, help="text for the rivals, which are slow")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="above 1, scan is run with so many threads too")
    parser.add_argument("--rivals", type=Path, metavar="DIR", help="environments that rivals.py --install made")
    layouts = list(get_args(Layout))
    parser.add_argument("--layout", nargs="+", choices=layouts, default=layouts, help="what a record of the files is")
    parser.add_argument("--no-wholes", action="store_true", help="leave the runs over files out")
    parser.add_argument("--seed", type=int, default=1, help="draws the edits of the corpus")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where corpora are kept")
    parser.add_argument("--keep", action="store_true", help="write what was measured below benchmarks/results")


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, keep; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Measure text -> signature, grouping and whole runs, beside rivals and limits."
    )
    add_options(parser)
    given = parser.parse_args(words)
    machine = record.machine()
    done = run(given)
    print(done.text)
    if given.keep:
        print(f"\nkept in {record.keep(Path(__file__).with_name('results'), machine, done.rows, done.text)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
