"""What a run will take - time, memory, disk - forecast from runs over samples of its input."""

from __future__ import annotations

import math
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path, PurePosixPath
from typing import Any

from dedup import spill
from dedup.config import Config
from dedup.errors import DedupError
from dedup.files import Progress, clean_files, opened, scan_files
from dedup.formats import split_suffix
from dedup.formats.compression import open_decompressed
from dedup.model import Fields, Source

SAMPLE_BYTES = 32 << 20
"""The larger sample; it is at most `SAMPLE_SHARE` of the input, the smaller one `STEP` times smaller."""
SAMPLE_SHARE = 1 / 4
STEP = 4
TINY_BYTES = 1 << 16
"""What starting costs is measured on so much."""
FILES = 8
"""Large files of which a sample has a part."""
STEEPEST = 1.5
"""Time grows by no more than this power of the input: a steeper one between two samples is noise."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a command will take: seconds of CPU and of the clock, bytes of memory, of disk for what does not fit, and of OUT."""

    cpu_s: float
    wall_s: float
    memory: int
    spilled: int
    written: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What `scan` and `clean` of an input will take.

    Attributes:
        sources: files; input_bytes: as they are; plain_bytes: unpacked (an estimate where they are packed).
        sampled_bytes: unpacked bytes of the larger sample.
        threads: that were asked for; cap: bytes that the run keeps within, None where it cannot.
        folder: where what does not fit would lie, and `room` the bytes that are free there.
        scan, clean: the forecasts.
    """

    sources: int
    input_bytes: int
    plain_bytes: int
    sampled_bytes: int
    threads: int
    cap: int | None
    folder: str
    room: int
    scan: Forecast
    clean: Forecast

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, under the schema `dedup.plan/1`."""
        return {"schema": "dedup.plan/1", **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Sample:
    """A folder with a part of the input, of so many bytes unpacked; of Parquet, as they stand in the file."""

    home: Path
    plain: int


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a run over a sample of `plain` bytes took."""

    plain: int
    cpu_s: float
    wall_s: float
    memory: int
    held: int
    written: int = 0


def plan(
    inputs: Sequence[str], config: Config | None = None, *, fields: Fields | None = None, format: str | None = None,
    threads: int = 1, memory: int | None = None, progress: Progress | None = None,
) -> Plan:  # fmt: skip
    """Run samples of the input in processes of their own, and forecast from them what all of it will take.

    Memory and disk grow with the input; time as the samples say: by a power of the input between 1 and `STEEPEST`, beside what
    starting costs. Memory ends at the cap, and where large arrays are more than a share of it they are counted as on disk, all of them.

    Args:
        The arguments are those of `dedup.files.scan_files`.

    Raises:
        UsageError: an input or field is not there, or the cap cannot be kept to.
        FormatError: no input can be read.
    """
    with opened(inputs, format) as found, tempfile.TemporaryDirectory(prefix="dedup-plan-") as folder:
        sizes = [Path(source.path).stat().st_size for source in found.sources]
        plain = sum(_plain_size(source, size) for source, size in zip(found.sources, sizes, strict=True))
        large = int(min(SAMPLE_BYTES, max(plain * SAMPLE_SHARE, TINY_BYTES)))
        bench = _Bench(config or Config(), fields or Fields(), format, threads, memory, Path(folder))
        samples = [bench.sample(found.sources, sizes, bytes_) for bytes_ in (TINY_BYTES, large // STEP, large)]
        costs = []
        for sample in samples:
            if progress is not None:
                progress.phase(f"a sample of {sample.plain / 1e6:,.1f} MB", None)
            costs.append(bench.scan(sample))
        if progress is not None:
            progress.phase("cleaning the sample", None)
        cleaned = bench.clean(samples[-1])
    cap = spill.default_cap() if memory is None else memory
    home = spill.spill_folder()
    scan = _forecast(costs, plain, cap)
    share = plain / max(cleaned.plain, 1)
    clean = Forecast(
        cpu_s=scan.cpu_s + max(cleaned.cpu_s - costs[-1].cpu_s, 0) * share,
        wall_s=scan.wall_s + max(cleaned.wall_s - costs[-1].wall_s, 0) * share,
        memory=scan.memory,
        spilled=scan.spilled,
        written=int(cleaned.written * share),
    )
    room = shutil.disk_usage(home).free
    return Plan(len(sizes), sum(sizes), plain, costs[-1].plain, threads, cap, home, room, scan, clean)


def _forecast(costs: Sequence[_Cost], plain: int, cap: int | None) -> Forecast:
    """What a scan of so many bytes takes, from those of the tiny, the smaller and the larger sample."""
    start, small, large = costs
    growth = large.plain / max(small.plain, 1)
    power, rise = 1.0, 0.0
    if growth > 1:
        rise = max(large.memory - small.memory, 0) / (large.plain - small.plain)
    if growth > 1 and small.cpu_s > start.cpu_s and large.cpu_s > small.cpu_s:
        power = math.log((large.cpu_s - start.cpu_s) / (small.cpu_s - start.cpu_s)) / math.log(growth)
    share = plain / max(large.plain, 1)
    factor = share ** min(max(power, 1.0), STEEPEST)
    cpu_s = start.cpu_s + (large.cpu_s - start.cpu_s) * factor
    need = int(large.memory + rise * (plain - large.plain))
    held = int(large.held * share)
    return Forecast(
        cpu_s=cpu_s,
        wall_s=start.wall_s + (large.wall_s - start.wall_s) * factor,
        memory=need if cap is None else min(need, cap),
        spilled=0 if cap is None or held <= cap // spill.HEAP_SHARE else held,
        written=0,
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """Runs samples in processes of their own, so that each pays for its start and no peak hides another."""

    config: Config
    fields: Fields
    format: str | None
    threads: int
    memory: int | None
    folder: Path

    def sample(self, sources: Sequence[Source], sizes: Sequence[int], bytes_: int) -> _Sample:
        """Copy a sample of about so many bytes into a folder of its own."""
        home = self.folder / str(bytes_)
        home.mkdir(exist_ok=True)
        return _Sample(home, sum(_take(source, part, home) for source, part in _parts(sources, sizes, bytes_)))

    def scan(self, sample: _Sample) -> _Cost:
        """What a scan of a sample takes."""
        return _Cost(sample.plain, *self._run(sample.home, None))

    def clean(self, sample: _Sample) -> _Cost:
        """What a clean of a sample takes, and how much it writes."""
        out = self.folder / "out"
        measured = self._run(sample.home, out)
        written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        return _Cost(sample.plain, *measured, written)

    def _run(self, home: Path, out: Path | None) -> tuple[float, float, int, int]:
        ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
        told = (str(home), self.config, self.fields, self.format, self.threads, self.memory, out and str(out))
        child = multiprocessing.get_context("spawn").Process(target=_measured, args=(theirs, told))
        child.start()
        theirs.close()
        try:
            answer = ours.recv()
        except EOFError:
            raise DedupError(
                "the process that ran a sample of the input ended without an answer; is memory short?"
            ) from None
        finally:
            child.join()
        if isinstance(answer, DedupError):
            raise answer
        found: tuple[float, float, int, int] = answer
        return found


def _measured(connection: Connection, told: tuple[Any, ...]) -> None:
    """In a process of its own: run a sample and send CPU and clock seconds, the peak of memory, and the bytes of large arrays."""
    home, config, fields, format_, threads, memory, out = told
    began = time.perf_counter()
    try:
        with spill.within(memory) as found:
            if out is None:
                scan_files([home], config, fields=fields, format=format_, threads=threads, memory=memory)
            else:
                clean_files([home], out, config, fields=fields, format=format_, threads=threads, memory=memory)
        connection.send((time.process_time(), time.perf_counter() - began, _peak(), found.held))
    except DedupError as error:
        connection.send(error)


def _peak() -> int:
    """The most bytes that were resident in this process."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0


def _parts(sources: Sequence[Source], sizes: Sequence[int], bytes_: int) -> Iterator[tuple[Source, int]]:
    """Sources that stand evenly over all, and how many bytes to take of each."""
    n = len(sources)
    mean = max(sum(sizes) / max(n, 1), 1)
    chosen = min(n, max(math.ceil(bytes_ / mean), min(n, FILES) if mean > bytes_ / FILES else 1))
    for place in range(chosen):
        yield sources[place * n // chosen], max(bytes_ // chosen, 1)


def _plain_size(source: Source, size: int) -> int:
    """Bytes of a source unpacked, estimated from its beginning where it is packed."""
    if source.compression == "none" or not size:
        return size
    with open_decompressed(source.path, source.compression) as stream:
        plain = len(stream.read(4 << 20))
        if len(stream.peek(1)) == 0:
            return plain
        return int(size * plain / max(stream.consumed(), 1))


def _take(source: Source, bytes_: int, home: Path) -> int:
    """Copy the beginning of a source into a folder, whole records; returns its bytes, unpacked."""
    name = PurePosixPath(source.name)
    stem, ending, _ = split_suffix(name.name)
    target = home / name.parent / f"{source.index:07d}-{stem[-40:]}{ending}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.format == "parquet":
        return _take_rows(source, bytes_, target)
    whole = source.format in ("text", "markdown")  # a file is a record there
    with open_decompressed(source.path, source.compression) as stream:
        taken = stream.read(max(bytes_, TINY_BYTES) if whole else bytes_)
        if not whole and len(taken) == bytes_:
            cut = taken.rfind(b"\n") + 1
            taken = taken[:cut] if cut else taken + stream.readline(spill.LEAST)
    target.write_bytes(taken)
    return len(taken)


def _take_rows(source: Source, bytes_: int, target: Path) -> int:
    """The same of Parquet, whose bytes are counted as they stand in the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(source.path) as file:
        per_row = Path(source.path).stat().st_size / max(file.metadata.num_rows, 1)
        rows = max(int(bytes_ / max(per_row, 1)), 1)
        batch = next(file.iter_batches(rows), None)
        table = pa.Table.from_batches([] if batch is None else [batch], file.schema_arrow)
    pq.write_table(table, target)
    return int(table.num_rows * per_row)
