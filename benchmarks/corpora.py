"""Seeded corpora for the benchmarks: real text, multiplied with edits at stated rates, written as JSONL.

The text is that of `data/docs` in the folder that DEDUP_DATA names (default: `../shared` beside the repository):
Chinese in both scripts, and English. It is too little to measure on, so it is taken `COPIES` times or more. The first
copy is as it was read; in each further one every paragraph is edited by itself, at a rate drawn from `RATES`: mostly at
one that leaves nothing to match, so that the corpus is text that differs and not one text many times over; the rest are
near-duplicates to be found.

    python benchmarks/corpora.py --mb 100 --layout paragraph --cache FOLDER
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from dedup import kernels
from dedup.model import I64, U8

Layout = Literal["paragraph", "document"]

COPIES = 4
"""Times that each text is taken at least, whatever the size: small corpora are made as large ones are."""
RATES = ((0.8, 0.5), *((0.2 / 7, rate) for rate in (0.0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)))
"""(share, rate): this share of the paragraphs of a further copy has this share of its tokens replaced, and at least one
where the rate is above 0."""
POOL_TOKENS = 200_000
"""Tokens of the text from which replacements are drawn, as often as they occur in it."""
CACHE = Path(tempfile.gettempdir()) / "dedup-benchmarks"
VERSION = 1
"""Raise it when the same arguments come to make another corpus, so that no cached one is taken for it."""

_SPACE = " \t\v\f\r\u3000\u00a0\ufeff"
# a letter of Han or Kana is a token by itself, as it is to the program; so is a run of other letters; the rest stays
_TOKENS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|[\W\d_]+")


@dataclass(frozen=True, slots=True)
class Made:
    """A corpus on disk.

    Attributes:
        path: the JSONL file; each record has `id` and `text`.
        layout: a `document` or a `paragraph` a record.
        file_bytes, text_bytes: size of the file, and of the text in it as UTF-8.
        records, paragraphs: how many; a paragraph is a line that is not blank.
        distinct: share of the paragraphs of which no earlier one has the same folded text.
        copies: times that the text was taken.
        sha256: of the file.
    """

    path: str
    layout: Layout
    file_bytes: int
    text_bytes: int
    records: int
    paragraphs: int
    distinct: float
    copies: int
    sha256: str


def data_folder() -> Path:
    """The folder of real texts."""
    named = os.environ.get("DEDUP_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared"


def corpus(mb: float, layout: Layout, cache: Path, seed: int = 1) -> Made:
    """Make a corpus, or take the cached one of the same arguments.

    Args:
        mb: text in it, in 10**6 bytes; the last record may go beyond.
        layout: a `document` or a `paragraph` a record.
        cache: folder to keep it in.
        seed: draws the edits.

    Raises:
        FileNotFoundError: the real texts are not there.
    """
    path = cache / f"v{VERSION}-{layout}-{mb:g}mb-seed{seed}.jsonl"
    about = path.with_suffix(".json")
    if about.exists() and path.exists():
        found = Made(**json.loads(about.read_text(encoding="utf-8")))
        if path.stat().st_size == found.file_bytes:
            return found
    cache.mkdir(parents=True, exist_ok=True)
    made = _make(path, round(mb * 1e6), layout, seed)
    about.write_text(json.dumps(asdict(made), indent=1), encoding="utf-8")
    return made


def documents(made: Made) -> Iterator[str]:
    """The texts of the records of a corpus in order."""
    with Path(made.path).open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)["text"]


def paragraphs(made: Made, max_bytes: int | None = None) -> Iterator[str]:
    """The paragraphs of a corpus in order, up to about `max_bytes` of their UTF-8."""
    size = 0
    for text in documents(made):
        for paragraph in _lines(text):
            if max_bytes is not None and size >= max_bytes:
                return
            size += len(paragraph.encode())
            yield paragraph


def laid_out(texts: Iterable[str]) -> tuple[U8, I64, I64]:
    """Texts one after the other as the kernels take them: uint8 UTF-8, and int64 starts and ends."""
    raw = [text.encode() for text in texts]
    ends = np.cumsum(np.array([len(text) for text in raw], np.int64))
    return np.frombuffer(b"".join(raw), np.uint8), ends - np.diff(ends, prepend=0), ends


def _make(path: Path, text_bytes: int, layout: Layout, seed: int) -> Made:
    files = sorted((data_folder() / "data" / "docs").glob("*.jsonl"))
    if not files:
        raise FileNotFoundError(
            f"no real texts in {data_folder() / 'data' / 'docs'}; name their folder: DEDUP_DATA=FOLDER"
        )
    edit = _Editor(_pool(tuple(files)), seed)
    tally = _Tally()
    digest = hashlib.sha256()
    copies = max(COPIES, math.ceil(text_bytes / _size(files, text_bytes // COPIES + 1)))
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as stream:
        for copy in range(copies):
            goal = text_bytes * (copy + 1) // copies
            for text in _documents(files):
                if tally.text_bytes >= goal:
                    break
                lines = _lines(text) if copy == 0 else [edit(line) for line in _lines(text)]
                records = ["\n".join(lines)] if layout == "document" else lines
                for number, record in enumerate(records, tally.records):
                    raw = json.dumps({"id": f"{number:x}", "text": record}, ensure_ascii=False).encode() + b"\n"
                    stream.write(raw)
                    digest.update(raw)
                tally.add(lines, len(records))
    Path(stream.name).replace(path)
    return Made(
        path=str(path),
        layout=layout,
        file_bytes=path.stat().st_size,
        text_bytes=tally.text_bytes,
        records=tally.records,
        paragraphs=tally.n_paragraphs,
        distinct=tally.distinct,
        copies=copies,
        sha256=digest.hexdigest(),
    )


class _Editor:
    """Replaces tokens of a paragraph by tokens of the pool, at a rate drawn for each paragraph."""

    def __init__(self, pool: tuple[Sequence[str], Sequence[str]], seed: int) -> None:
        self._han, self._words = pool
        self._draw = np.random.default_rng(seed)
        self._shares = np.cumsum([share for share, _ in RATES])

    def __call__(self, paragraph: str) -> str:
        draw = self._draw
        rate = RATES[min(int(np.searchsorted(self._shares, draw.random(), "right")), len(RATES) - 1)][1]
        tokens = _TOKENS.findall(paragraph)
        letters = [i for i, token in enumerate(tokens) if token[0].isalpha()]
        if rate == 0 or not letters:
            return paragraph
        n = max(1, round(rate * len(letters)))
        for at, number in zip(draw.choice(len(letters), n, replace=False), draw.integers(0, 1 << 31, n), strict=True):
            place = letters[at]
            pool = self._han if tokens[place] >= "\u3040" else self._words
            tokens[place] = pool[number % len(pool)]
        return "".join(tokens)


class _Tally:
    """Counts what is written."""

    def __init__(self) -> None:
        self.text_bytes = self.records = self.n_paragraphs = 0
        self._seen: set[int] = set()

    def add(self, lines: Sequence[str], n_records: int) -> None:
        text, starts, ends = laid_out(lines)
        none = np.zeros(0, np.uint32)
        self._seen.update(kernels.scan(text, starts, ends, 1, 0, none, none)[0].tolist())
        self.text_bytes += len(text)
        self.records += n_records
        self.n_paragraphs += len(lines)

    @property
    def distinct(self) -> float:
        return len(self._seen) / max(self.n_paragraphs, 1)


def _documents(files: Sequence[Path]) -> Iterator[str]:
    """The documents of all files, each file as far along as the others: any stretch of them has all languages."""
    streams = [path.open("rb") for path in files]
    try:
        sizes = [path.stat().st_size for path in files]
        done = [0.0] * len(files)
        while min(done) < 1:
            at = done.index(min(done))
            line = streams[at].readline()
            done[at] = streams[at].tell() / sizes[at] if line else 1.0
            if line:
                yield json.loads(line)["text"]
    finally:
        for stream in streams:
            stream.close()


def _size(files: Sequence[Path], enough: int) -> int:
    """Bytes of text in the files, or more than `enough` of them."""
    size = 0
    for text in _documents(files):
        size += len(text.encode())
        if size >= enough:
            break
    return size


def _lines(text: str) -> list[str]:
    return [line.strip(_SPACE) for line in text.split("\n") if line.strip(_SPACE)]


@functools.cache
def _pool(files: tuple[Path, ...]) -> tuple[list[str], list[str]]:
    """Letters of Han or Kana, and words, in the order of the text."""
    han: list[str] = []
    words: list[str] = []
    for text in _documents(files):
        for token in _TOKENS.findall(text):
            if token[0].isalpha():
                (han if token >= "\u3040" else words).append(token)
        if min(len(han), len(words)) >= POOL_TOKENS:
            break
    return han, words


def main() -> None:
    """Make a corpus and say what it is."""
    parser = argparse.ArgumentParser(description="Make a corpus for the benchmarks and say what it is.")
    parser.add_argument("--mb", type=float, default=100, help="text, in 10**6 bytes")
    parser.add_argument("--layout", choices=get_args(Layout), default="paragraph", help="what a record is")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder to keep it in")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name, value in asdict(corpus(given.mb, given.layout, given.cache, given.seed)).items():
        print(f"{name:12} {value:.4f}" if isinstance(value, float) else f"{name:12} {value}")


if __name__ == "__main__":
    main()
