"""Saved runs: what a scan found and the signatures it made, as Parquet stamped with the configuration's digest.

    RUN/run.json                    schema, configuration and its digest, inputs with their sizes and times
    RUN/documents.parquet           a row a document
    RUN/segments-GRAIN.parquet      a row a segment as read: its id, place, tokens, folded hash and band keys,
                                    of a document what is kept of its lanes
    RUN/matches.parquet             every removal, and every pair that matches or nearly and stays
    RUN/clusters.parquet            who belongs to which kept stretch
    RUN/spread.parquet              in how many documents and hosts a cluster stands

Saved runs merge: `scan` of several is the scan of all their inputs, with the segments taken from the files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.backends.base import Backend
from dedup.config import Config
from dedup.errors import IncompatibleSignaturesError
from dedup.kernels.fold_table import load as fold_table
from dedup.ledger.left import Left
from dedup.ledger.removals import CUT, DROP, REASONS, group
from dedup.log import write_json
from dedup.matching import GrainMatcher
from dedup.model import GRAINS, I64, MEASURES, NEAR_MISS, U64, WHYS, Batch, Corpus, concat, rows_of, take
from dedup.pipeline import Outcome, Run
from dedup.stages.sketch import LANE_BITS

SCHEMA = "dedup.run/1"
RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run on disk: its folder and its description."""

    folder: Path
    about: dict[str, Any]

    @property
    def inputs(self) -> list[str]:
        """The INPUT arguments it was made from."""
        return [str(path) for path in self.about["inputs"]]


def saved_run(path: str) -> SavedRun | None:
    """The saved run in a folder, None if there is none."""
    file = Path(path) / RUN_FILE
    if not file.is_file():
        return None
    try:
        about = json.loads(file.read_text("utf-8"))
    except ValueError:
        return None
    return SavedRun(Path(path), about) if isinstance(about, dict) and about.get("schema") == SCHEMA else None


def signature_settings(config: Config) -> dict[str, Any]:
    """What two runs must share before their segments may be compared."""
    grains = {
        f"{grain} {name}": getattr(config.matching(grain), name) for grain in GRAINS[:3] for name in ("bands", "rows")
    }
    return {
        "k": config.k,
        "seed": config.seed,
        "bits of a lane": LANE_BITS,
        **grains,
        "fold table": fold_table().digest[:16],
    }


def save(target: Path, outcome: Outcome, config: Config, inputs: Sequence[str], backend: Backend) -> None:
    """Write a run into a folder.

    Args:
        target: the folder, empty.
        outcome: what was found.
        config: what it was found with.
        inputs: the INPUT arguments.
        backend: sketches the documents once more as they were read, dropped ones too, so that another run may build on them.
    """
    corpus = outcome.corpus
    _table(target / "documents.parquet", config, _documents(corpus, outcome.left))
    whole = Left(corpus)
    for grain in config.grains:
        matcher = GrainMatcher(config, grain, backend)
        matcher.refresh(whole, np.arange(len(corpus), dtype=np.int64))
        rows = {name: column for name, column in matcher.rows.items() if name != "uid"}
        if rows:
            base = corpus.starts[rows["document"]]
            rows = {**rows, "start": rows["start"] - base, "end": rows["end"] - base}
            rows = {"id": segment_ids(corpus, rows["document"], rows["start"], rows["end"]), **rows}
        _table(target / f"segments-{grain}.parquet", config, rows)
    _table(target / "matches.parquet", config, _matches(outcome))
    clusters, spread = _clusters(outcome)
    _table(target / "clusters.parquet", config, clusters)
    _table(target / "spread.parquet", config, spread)
    from dedup import __version__

    write_json(target / RUN_FILE, {
        "schema": SCHEMA, "version": __version__, "config": config.as_dict(), "digest": config.digest(),
        "signature_settings": signature_settings(config),
        "inputs": [path if path == "-" else str(Path(path).absolute()) for path in inputs],
        "sources": [_stamp(corpus, source.index) for source in corpus.sources], "documents": len(corpus), "passes": outcome.passes,
        "settled": outcome.settled, "counts": outcome.counts,
    })  # fmt: skip


def expand(inputs: Sequence[str]) -> tuple[list[str], list[SavedRun]]:
    """Put in the place of each saved run the inputs that it was made from.

    Raises:
        IncompatibleSignaturesError: a run was made from standard input, which cannot be read again.
    """
    plain: list[str] = []
    runs: list[SavedRun] = []
    for path in inputs:
        run = saved_run(path)
        if run is None:
            plain.append(path)
        elif "-" in run.about["inputs"]:
            raise IncompatibleSignaturesError(
                f"{path}: it was made from standard input, which cannot be read again. Save that to a file and scan it."
            )
        else:
            plain.extend(run.inputs)
            runs.append(run)
    return plain, runs


def build_on(run: Run, config: Config, saved: Sequence[SavedRun]) -> None:
    """Give a run the segments of saved ones, so that their documents are not sketched again.

    Args:
        run: a run over the inputs of the saved ones, and others.
        config: its configuration.
        saved: the runs.

    Raises:
        IncompatibleSignaturesError: a run was made with other settings, or its inputs changed since.
    """
    corpus = run.outcome.corpus
    places = {str(Path(source.path).absolute()): source.index for source in corpus.sources}
    covered = np.zeros(len(corpus), bool)
    parts: dict[str, list[Batch]] = {grain: [] for grain in config.grains}
    for one in saved:
        sources = _check(one, config, corpus, places)
        mine = np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(corpus.source == source) for source in sources)])
        if len(mine) != one.about["documents"]:
            raise IncompatibleSignaturesError(
                f"{one.folder}: its inputs hold other records now than when it was saved. Scan them again."
            )
        for grain in config.grains:
            rows = _rows(one.folder / f"segments-{grain}.parquet")
            if rows_of(rows):
                document = mine[rows["document"]]
                base = corpus.starts[document]
                rows.pop("id")
                moved = {**rows, "document": document, "start": rows["start"] + base, "end": rows["end"] + base}
                parts[grain].append(take(moved, ~covered[document]))  # a file may be in two runs
        covered[mine] = True
    for grain, batches in parts.items():
        run.cover(grain, concat(batches), covered)


def _check(one: SavedRun, config: Config, corpus: Corpus, places: dict[str, int]) -> list[int]:
    """The sources of a saved run in this one, if they are the same and were saved with the same settings."""
    mine, theirs = signature_settings(config), one.about["signature_settings"]
    wrong = [f"{name} {theirs.get(name)} (now {value})" for name, value in mine.items() if theirs.get(name) != value]
    wrong += [
        f"no segments of the grain {grain}"
        for grain in config.grains
        if not (one.folder / f"segments-{grain}.parquet").is_file()
    ]
    sources = [places[stamp["path"]] for stamp in one.about["sources"] if stamp["path"] in places]
    if len(sources) == len(one.about["sources"]):
        for source, stamp in zip(sources, one.about["sources"], strict=True):
            if list(corpus.fields[source].text) != stamp["text_fields"]:
                wrong.append(f"text fields {stamp['text_fields']} (now {list(corpus.fields[source].text)})")
    if wrong:
        raise IncompatibleSignaturesError(
            f"{one.folder}: it was saved with other settings: {', '.join(wrong)}. Scan its inputs again, or use its settings."
        )
    if [_stamp(corpus, source) for source in sources] != one.about["sources"]:
        raise IncompatibleSignaturesError(f"{one.folder}: its inputs changed since it was saved. Scan them again.")
    return sources


def _stamp(corpus: Corpus, index: int) -> dict[str, Any]:
    source = corpus.sources[index]
    found = Path(source.path).stat()
    return {"path": str(Path(source.path).absolute()), "format": source.format, "compression": source.compression,
            "size": found.st_size, "mtime_ns": found.st_mtime_ns, "text_fields": list(corpus.fields[index].text)}  # fmt: skip


def segment_ids(corpus: Corpus, documents: I64, starts: I64, ends: I64) -> U64:
    """A name for each segment that depends on its source's name, record and place alone; uint64[n]."""
    import hashlib

    names = [
        int.from_bytes(hashlib.blake2b(s.name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        for s in corpus.sources
    ]
    value = np.array([*names, 0], np.uint64)[corpus.source[documents]]
    for part in (corpus.record[documents], starts, ends):
        value = (value ^ part.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(29)
    return value


def _documents(corpus: Corpus, left: Left) -> Batch:
    columns: dict[str, Any] = {
        "document": np.arange(len(corpus), dtype=np.int64),
        "source": corpus.source,
        "record": corpus.record,
        "offset": corpus.positions[:, 0],
        "length": corpus.positions[:, 1],
        "text_bytes": corpus.ends - corpus.starts,
        "left_bytes": np.where(left.dropped, 0, left.ends - left.starts),
        "dropped": left.dropped,
    }
    for name, strings in corpus.meta.items():
        columns["doc_id" if name == "id" else name] = np.array(
            [value.decode("utf-8", "replace") for value in strings], object
        )
    return columns


def _matches(outcome: Outcome) -> Batch:
    rows, shown = outcome.removals.rows, outcome.shown
    standing = np.flatnonzero(outcome.removals.alive)
    places = ("document", "start", "end", "kept_document", "kept_start", "kept_end", "similarity")
    first = {name: rows[name][standing] for name in places}
    first["grain"], first["measure"] = (
        _named(GRAINS, rows["grain"][standing]),
        _named(MEASURES, rows["measure"][standing]),
    )
    first["action"] = np.where(rows["action"][standing] == DROP, "drop", "cut").astype(object)
    first["reason"] = _named(REASONS, rows["reason"][standing])
    second = {name: shown[name] for name in places}
    second["grain"], second["measure"] = _named(GRAINS, shown["grain"]), _named(MEASURES, shown["measure"])
    second["action"] = np.full(rows_of(shown), "keep", object)
    second["reason"] = _named(WHYS, np.where(shown["match"], shown["why"], NEAR_MISS))
    return concat([first, second])


def _named(names: Sequence[str], places: Any) -> Any:
    return np.array(names, object)[places.astype(np.int64)]


def _clusters(outcome: Outcome) -> tuple[Batch, Batch]:
    found = group(outcome.removals, outcome.left, outcome.corpus)
    rows = outcome.removals.rows
    leads = np.unique(found.cluster, return_index=True)[1]
    leads = leads[rows["kept_document"][found.removals[leads]] >= 0]
    kept, gone = found.removals[leads], found.removals
    cut = rows["action"][gone] == CUT
    clusters = {
        "cluster": np.concatenate([found.cluster[leads], found.cluster]),
        "document": np.concatenate([rows["kept_document"][kept], rows["document"][gone]]),
        "start": np.concatenate([rows["kept_start"][kept], rows["start"][gone]]),
        "end": np.concatenate([rows["kept_end"][kept], rows["end"][gone]]),
        "action": np.concatenate([np.full(len(kept), "keep", object), np.where(cut, "cut", "drop").astype(object)]),
    }
    order = np.lexsort((np.arange(len(clusters["cluster"])), clusters["cluster"]))
    numbers = np.unique(found.cluster)
    spread = {"cluster": numbers, "documents": found.documents[numbers], "hosts": found.hosts[numbers]}
    return {name: column[order] for name, column in clusters.items()}, spread


def _table(path: Path, config: Config, columns: Batch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(column, _type(column)) for name, column in columns.items()})
    pq.write_table(
        table.replace_schema_metadata({"dedup.digest": config.digest(), "dedup.schema": SCHEMA}),
        path,
        compression="zstd",
    )


def _rows(path: Path) -> Batch:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return {name: _array(table.column(name)) for name in table.column_names}


def _type(column: NDArray[Any]) -> Any:
    """The Arrow type of a column, None where Arrow sees it."""
    import pyarrow as pa

    kinds = {"O": pa.string(), "V": pa.binary(column.itemsize)}
    return kinds.get(column.dtype.kind)


def _array(column: Any) -> NDArray[Any]:
    """A column of Arrow as an array."""
    import pyarrow as pa

    found: NDArray[Any]
    if pa.types.is_fixed_size_binary(column.type):
        whole = column.combine_chunks()
        found = np.frombuffer(whole.buffers()[1] or b"", f"V{column.type.byte_width}")[whole.offset :][: len(whole)]
    else:
        found = column.to_numpy()
    return found
