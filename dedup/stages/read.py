"""Sources -> the corpus: every record in canonical order over one buffer, bad ones counted and kept apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from dedup.errors import FormatError
from dedup.formats import Ahead, open_source
from dedup.model import U8, BadRecord, Corpus, Documents, Fields, Source, Strings

GATHERED = 512
"""Batches of a source that are held before they become one: few large columns are let go of more easily than many small ones."""

WHOLE_SOURCE = -1
"""Record number of a bad record that stands for a whole source that cannot be read."""

_NOTHING = np.zeros(0, np.uint8)


def read(
    sources: Sequence[Source],
    fields: Fields,
    batch_bytes: int,
    progress: Callable[[int], None] | None = None,
    is_cut: bool = True,
    ahead: Ahead | None = None,
) -> Corpus:
    """Read all sources.

    A source that is damaged beyond the single record takes no part: it is one bad record. If none can be read, that is an error.

    Args:
        sources: in canonical order, `index` counting from 0.
        fields: the field names that the user gave.
        batch_bytes: text in a batch; does not change the result.
        progress: called with the bytes consumed since the last call.
        is_cut: whether the run cuts stretches, and lays what is left of a document behind all texts: there is room for it then.
        ahead: see `SourceReader.read`.

    Raises:
        FormatError: no source can be read.
        UsageError: a field is not there.
    """
    batches: list[Documents] = []
    arena = _Arena((1 + is_cut) * sum(_size(source.path) for source in sources))
    bad: list[BadRecord] = []
    resolved: list[Fields] = []
    failure: FormatError | None = None
    for source in sources:
        mine: list[Documents] = []
        before = arena.size
        try:
            reader = open_source(source, fields, batch_bytes)
            for batch in reader.read(ahead):
                arena.add(batch.text.values[batch.text.offsets[0] : batch.text.offsets[-1]])
                mine.append(_bare(batch))
                if len(mine) == GATHERED:
                    mine = [_joined_documents(mine)]
                if progress is not None:
                    progress(batch.consumed)
            resolved.append(reader.fields)
        except FormatError as error:
            failure = error
            arena.size = before
            bad.append(BadRecord(source.index, WHOLE_SOURCE, 0, 0, str(error)))
            resolved.append(fields)
            continue
        batches.extend(mine)
        bad.extend(record for batch in mine for record in batch.bad)
    if failure is not None and sum(record.record == WHOLE_SOURCE for record in bad) == len(sources):
        raise failure
    corpus = _corpus(batches, arena.taken(), tuple(sources), tuple(resolved), tuple(bad))
    corpus.room.append(arena.values)
    return corpus


def _bare(batch: Documents) -> Documents:
    """A batch without its text, which is in the arena."""
    # Not `replace`: of many small files that would be a tenth of the time.
    text = Strings(_NOTHING, batch.text.offsets)
    return Documents(
        batch.source, batch.records, batch.positions, text, batch.bounds, batch.meta, batch.bad, batch.markdown,
        utf8=batch.utf8,
    )  # fmt: skip


def _size(path: str) -> int:
    """Bytes of a file, 0 where they cannot be told: then opening it will say why."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 - one call a file, where there may be very many
    except OSError:
        return 0


class _Arena:
    """A buffer that batches are laid in one after the other, so that no batch outlives its copy.

    Args:
        room: bytes to begin with; what is not used of them is never touched.
    """

    def __init__(self, room: int) -> None:
        self.values = np.empty(max(room, 1 << 16), np.uint8)
        self.size = 0

    def add(self, values: U8) -> None:
        end = self.size + len(values)
        if end > len(self.values):
            more = np.empty(max(end, len(self.values) * 3 // 2), np.uint8)
            more[: self.size] = self.values[: self.size]
            self.values = more
        self.values[self.size : end] = values
        self.size = end

    def taken(self) -> U8:
        return self.values[: self.size]


def gather(
    batches: Iterable[Documents],
    sources: tuple[Source, ...],
    fields: tuple[Fields, ...],
    bad: tuple[BadRecord, ...] = (),
) -> Corpus:
    """Lay batches of documents, which come in canonical order, out as one corpus."""
    parts = list(batches)
    texts = [part.text.values[part.text.offsets[0] : part.text.offsets[-1]] for part in parts]
    return _corpus(parts, _joined(texts), sources, fields, bad)


def _corpus(
    parts: list[Documents],
    arena: U8,
    sources: tuple[Source, ...],
    fields: tuple[Fields, ...],
    bad: tuple[BadRecord, ...],
) -> Corpus:
    sizes = np.array([len(part) for part in parts], np.int64)
    lengths = _ints([part.text.offsets[1:] - part.text.offsets[:-1] for part in parts])
    ends = np.cumsum(lengths)
    width = max((part.bounds.shape[1] for part in parts), default=1)
    return Corpus(
        sources=sources,
        arena=arena,
        starts=ends - lengths,
        ends=ends,
        source=np.repeat(np.array([part.source for part in parts], np.int64), sizes),
        record=_ints([part.records for part in parts]),
        positions=_ints([part.positions for part in parts], (0, 2)),
        bounds=_ints([_padded(part, width) for part in parts], (0, width, 2)),
        markdown=np.repeat(np.array([part.markdown for part in parts], bool), sizes),
        meta=_meta(parts),
        bad=bad,
        fields=fields,
        utf8=np.repeat(np.array([part.utf8 for part in parts], bool), sizes),
    )


def _joined_documents(parts: list[Documents]) -> Documents:
    """Batches of one source as one; their texts are in the arena already."""
    lengths = [np.diff(part.text.offsets) for part in parts]
    return replace(
        parts[0],
        records=_ints([part.records for part in parts]),
        positions=_ints([part.positions for part in parts], (0, 2)),
        text=Strings(
            np.zeros(0, np.uint8), np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths))])
        ),
        bounds=np.concatenate([part.bounds for part in parts]),
        meta=_meta(parts),
        bad=tuple(record for part in parts for record in part.bad),
        consumed=sum(part.consumed for part in parts),
        utf8=all(part.utf8 for part in parts),
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0])
    return np.concatenate([np.zeros(0, np.uint8), *parts])


def _ints(parts: list[np.ndarray], shape: tuple[int, ...] = (0,)) -> np.ndarray:
    return np.concatenate([np.zeros(shape, np.int64), *parts])


def _padded(part: Documents, width: int) -> np.ndarray:
    n, have, _ = part.bounds.shape
    if have == width:
        return part.bounds
    end = np.diff(part.text.offsets).reshape(n, 1, 1)
    return np.concatenate([part.bounds, np.broadcast_to(end, (n, width - have, 2))], axis=1)


def _meta(parts: list[Documents]) -> dict[str, Strings]:
    """Each field over all batches; a source that lacks it has the empty string."""
    meta: dict[str, Strings] = {}
    for name in sorted({name for part in parts for name in part.meta}):
        columns = [
            part.meta.get(name) or Strings(np.zeros(0, np.uint8), np.zeros(len(part) + 1, np.int64)) for part in parts
        ]
        offsets = np.concatenate([np.zeros(1, np.int64), *(np.diff(column.offsets) for column in columns)])
        meta[name] = Strings(_joined([column.values for column in columns]), np.cumsum(offsets))
    return meta
