"""JSON Lines: one line is one record, a JSON object; nothing is ever written again as JSON, only cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from dedup import kernels
from dedup.formats.base import MAX_RECORD_BYTES, META, Ahead, Range, Span, field_bounds, text_fields
from dedup.formats.blocks import NOTHING, Block, blocks
from dedup.formats.compression import InputStream, open_decompressed
from dedup.formats.escapes import JsonPlaces
from dedup.formats.fields import Column, resolve, unresolved
from dedup.formats.places import locate_spans, settle_spans
from dedup.formats.ranges import by_record
from dedup.formats.sample import key_of, kinds_of
from dedup.formats.strict import BadLineError, count_fields, members, values_of
from dedup.formats.text import HEAD_BYTES, foreign_reason
from dedup.kernels.arrays import ESCAPED, NULL, NUMBER, OTHER, STRING
from dedup.model import I64, U8, BadRecord, Documents, Fields, Source, Strings, distinct

SAMPLE_RECORDS = 1000
SAMPLE_BYTES = 1 << 20
"""The fields are looked for in so many first records, or in those that begin in so many first bytes."""

BLOCK_BYTES = 1 << 21
"""Bytes that are read at a time: few enough to stay in a core's cache, so many that the calls for each cost nothing."""

BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"


class JsonlReader:
    """Reader of `.jsonl`. Lines end in a line feed; blank lines are no records, a BOM at the start belongs to none."""

    def __init__(self, source: Source, fields: Fields, batch_bytes: int) -> None:
        self.source = source
        self._block_bytes = min(batch_bytes, BLOCK_BYTES)
        self.fields = self._resolve(fields)
        self._keys = {key_of(name): i for i, name in enumerate(self.fields.text)}
        self._meta = {role: name for role in META if (name := getattr(self.fields, role)) is not None}
        self._last: tuple[bytes | None, list[tuple[JsonPlaces, int]]] = (None, [])
        self._names = Strings.of([key_of(name) for name in (*self.fields.text, *self._meta.values())])

    def read(self, ahead: Ahead | None = None) -> Iterator[Documents]:
        """Yield the documents. See `SourceReader.read`."""
        first = 0
        made = (make() for make in self._made(is_held=False)) if ahead is None else ahead(self._made(is_held=True))
        for documents in made:
            yield _numbered(documents, first)
            first += len(documents) + len(documents.bad)

    def _made(self, *, is_held: bool) -> Iterator[Callable[[], Documents]]:
        """What makes the documents of each block, their records numbered from 0; `is_held`: also when the next block was read."""
        told = 0
        with open_decompressed(self.source.path, self.source.compression) as stream:
            for block in _blocks(stream, self._block_bytes):
                held = replace(block, lines=block.lines.copy()) if is_held else block
                yield partial(self._documents, held, stream.consumed() - told)
                told = stream.consumed()
            if stream.consumed() > told:
                yield partial(self._documents, Block(0, 0, NOTHING), stream.consumed() - told)

    def settle(self, raw: bytes, spans: Sequence[Span]) -> list[Span]:
        """See `SourceReader.settle`."""
        return settle_spans([places for places, _ in self._places(raw)], spans)

    def locate(self, raw: bytes, spans: Sequence[Span]) -> list[Range]:
        """See `SourceReader.locate`."""
        fields = self._places(raw)
        ranges = locate_spans([places for places, _ in fields], spans)
        starts = [fields[field][1] for field, _, _ in spans]
        return [(first + start, first + end) for first, (start, end) in zip(starts, ranges, strict=True)]

    def ranges(self, block: U8, records: I64, owner: I64, spans: I64) -> tuple[I64, I64]:
        """See `SourceReader.ranges`."""
        mine = distinct(owner)
        which = np.searchsorted(mine, owner)
        place = np.concatenate([[0], np.cumsum(records[mine, 1] - records[mine, 0])])
        text = np.empty(place[-1], np.uint8)
        kernels.gather(block, records[mine, 0], records[mine, 1], text)
        lines, members_of, kinds, found = kernels.records(text, self._names.values, self._names.offsets)
        if not np.array_equal(lines.ravel()[::2], place[:-1]):
            return by_record(self, block, records, owner, spans)
        n = len(self.fields.text)
        plain = ((kinds[:, :n] == STRING) | (kinds[:, :n] == ESCAPED))[:, :, None]
        strings = np.where(plain, found[:, :n], place[:-1, None, None]).reshape(-1, 2)
        sure = members_of >= 0
        wanted = np.flatnonzero(sure[which])
        string = which[wanted] * n + spans[wanted, 0]
        firsts = 2 * np.searchsorted(string, np.arange(len(strings) + 1))
        borders, halves = kernels.json_places(text, strings[:, 0], strings[:, 1], firsts, spans[wanted, 1:].ravel())
        sure &= ~halves.reshape(-1, n).any(axis=1)
        # a border inside an escape moves into the stretch: its start to the escape's end, its end to the escape's start
        borders = borders.reshape(-1, 2, 4)
        start, raw_start, end, raw_end = borders[:, 0, 2], borders[:, 0, 3], borders[:, 1, 0], borders[:, 1, 1]
        raw_end, end = np.where(end < start, raw_start, raw_end), np.maximum(start, end)
        base = strings[string, 0] - place[which[wanted]] + records[owner[wanted], 0]
        settled, ranges = np.empty((len(spans), 2), np.int64), np.empty((len(spans), 2), np.int64)
        settled[wanted] = np.stack([start, end], axis=1)
        ranges[wanted] = np.stack([base + raw_start, base + raw_end], axis=1)
        odd = ~sure[which]
        if odd.any():
            settled[odd], ranges[odd] = by_record(self, block, records, owner[odd], spans[odd])
        return settled, ranges

    def _places(self, raw: bytes) -> list[tuple[JsonPlaces, int]]:
        """The text fields of a record, and where the string of each starts; those of the last record are held."""
        if self._last[0] is not raw:
            found = [(JsonPlaces(raw[start:end]), start) for start, end in self._strings(raw)]
            self._last = (raw, found)
        return self._last[1]

    def _strings(self, raw: bytes) -> list[Range]:
        """Find where each text field's string stands in the record, without its quotes; (0, 0) where there is none."""
        n = len(self.fields.text)
        line = np.frombuffer(raw, np.uint8)
        _, members_of, kinds, ranges = kernels.records(line, self._names.values, self._names.offsets)
        if len(members_of) == 1 and members_of[0] >= 0:
            found = zip(kinds[0, :n].tolist(), ranges[0, :n].tolist(), strict=True)
            return [(start, end) if kind in (STRING, ESCAPED) else (0, 0) for kind, (start, end) in found]
        strings = [(0, 0)] * n
        for key, start, end in members(raw):
            field = self._keys.get(key)
            if field is not None:
                strings[field] = (start + 1, end - 1) if raw[start : start + 1] == b'"' else (0, 0)
        return strings

    def _documents(self, block: Block, consumed: int) -> Documents:
        """The documents of a block, their records numbered from 0."""
        text, bad = block.lines, []
        lines, members_of, kinds, ranges = kernels.records(text, self._names.values, self._names.offsets)
        records = np.arange(len(lines), dtype=np.int64)
        odd = self._odd(lines, members_of, kinds)
        if block.fault is not None:
            bad = [BadRecord(self.source.index, 0, block.offset, block.length, block.fault)]
        elif len(odd):
            text, bad = self._read_strictly(block, lines, odd, kinds, ranges)
            good = ~np.isin(records, [record.record for record in bad])
            lines, kinds, ranges, records = lines[good], kinds[good], ranges[good], records[good]
        starts = ranges[:, :, 0]
        unsaid = kinds >= NULL  # null, or what is neither text nor number
        ends = np.where(unsaid, starts, ranges[:, :, 1]) if unsaid.any() else ranges[:, :, 1]
        n, escaped = len(self.fields.text), kinds == ESCAPED
        lengths, documents = text_fields(kernels.unescape, text, starts[:, :n], ends[:, :n], escaped[:, :n])
        meta = {
            role: Strings(*kernels.unescape(text, starts[:, i], ends[:, i], escaped[:, i]))
            for i, role in enumerate(self._meta, n)
        }
        return Documents(
            source=self.source.index,
            records=records,
            positions=np.stack([lines[:, 0] + block.offset, lines[:, 1] - lines[:, 0]], axis=1),
            text=documents,
            bounds=field_bounds(lengths),
            meta=meta,
            bad=tuple(bad),
            consumed=consumed,
            utf8=not len(odd),  # a line that the kernel is sure of is UTF-8
        )

    def _odd(self, lines: I64, members_of: I64, kinds: U8) -> I64:
        """The lines that are not plainly documents."""
        odd = (members_of < 0) | (lines[:, 1] - lines[:, 0] > MAX_RECORD_BYTES)
        for i in range(len(self.fields.text)):
            odd |= (kinds[:, i] == NUMBER) | (kinds[:, i] == OTHER)
        return np.flatnonzero(odd)

    def _read_strictly(self, block: Block, lines: I64, odd: I64, kinds: U8, ranges: I64) -> tuple[U8, list[BadRecord]]:
        """Read odd lines one by one: their values are put behind the block, and `kinds` and `ranges` tell of them there.

        Returns:
            The block with those values, and the records that are none.
        """
        values: list[bytes] = []
        bad: list[BadRecord] = []
        place = len(block.lines)
        for row in odd.tolist():
            start, end = lines[row].tolist()
            try:
                if end - start > MAX_RECORD_BYTES:
                    raise BadLineError(f"longer than {MAX_RECORD_BYTES >> 20} MiB")
                texts, meta = values_of(block.lines[start:end].tobytes(), self.fields.text, tuple(self._meta.values()))
            except BadLineError as why:
                bad.append(BadRecord(self.source.index, row, block.offset + start, end - start, str(why)))
                continue
            values += [*texts, *meta]
            bounds = place + np.cumsum([0, *(len(value) for value in (*texts, *meta))])
            kinds[row], ranges[row, :, 0], ranges[row, :, 1] = STRING, bounds[:-1], bounds[1:]
            place = int(bounds[-1])
        return np.concatenate([block.lines, np.frombuffer(b"".join(values), np.uint8)]), bad

    def _resolve(self, given: Fields) -> Fields:
        """Look at the first records, and at further ones only for given fields that these do not have."""
        wanted = {name for name in (*given.text, *(getattr(given, role) for role in META)) if name is not None}
        with open_decompressed(self.source.path, self.source.compression) as stream:
            first = next(_blocks(stream, SAMPLE_BYTES), Block(0, 0, NOTHING))
        kinds = kinds_of(first.lines, SAMPLE_RECORDS)
        if not kinds or not wanted <= kinds.keys():
            columns, n_records = self._columns(wanted)
            if not n_records:
                return unresolved(given)
            kinds = {name: column.kind for name, column in columns.items()}
        return resolve(self.source.path, given, kinds, lambda: list(self._columns(wanted)[0].values()))

    def _columns(self, wanted: set[str]) -> tuple[dict[str, Column], int]:
        """Read the first records in full, and further ones until all wanted fields were met; count them."""
        columns: dict[str, Column] = {}
        n_records = 0
        with open_decompressed(self.source.path, self.source.compression) as stream:
            for offset, line in _lines(stream):
                enough = n_records >= SAMPLE_RECORDS or (n_records and offset >= SAMPLE_BYTES)
                if enough and wanted <= columns.keys():
                    break
                n_records += count_fields(columns, line)
        return columns, n_records


def _numbered(documents: Documents, first: int) -> Documents:
    """Documents with their records numbered from `first`."""
    if not first:
        return documents
    bad = tuple(replace(record, record=record.record + first) for record in documents.bad)
    return replace(documents, records=documents.records + first, bad=bad)


def _blocks(stream: InputStream, size: int) -> Iterator[Block]:
    """The blocks of a file of lines, without the BOM; one with a fault where the file is none of those."""
    head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
    reason = foreign_reason(head)
    if reason is not None:
        yield Block(0, sum(map(len, iter(lambda: stream.read(1 << 20), b""))), NOTHING, reason)
        return
    offset = len(stream.read(len(BOM))) if head.startswith(BOM) else 0
    yield from blocks(stream, offset, size, MAX_RECORD_BYTES)


def _lines(stream: InputStream) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each line that can be read and is not blank."""
    for block in _blocks(stream, BLOCK_BYTES):
        offset = block.offset
        for line in block.lines.tobytes().split(b"\n"):
            if line.strip(_WHITE):
                yield offset, line
            offset += len(line) + 1
