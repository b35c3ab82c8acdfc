"""Runs over files: scan, clean, restore and tune, from INPUT arguments to what is published."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dedup import pipeline, spill
from dedup.backends.base import Backend
from dedup.backends.beside import Ahead, Beside
from dedup.backends.local import LocalBackend
from dedup.config import Config
from dedup.errors import DedupError, InputChangedError, UsageError
from dedup.formats.compression import open_compressed
from dedup.formats.discover import Discovery, discover
from dedup.ledger.lines import LogLines
from dedup.log import FOLDER, MANIFEST, MANIFEST_SCHEMA, QUARANTINE, REMOVED, REPORT, LineWriter, write_json
from dedup.model import Corpus, Fields, Source
from dedup.publish import stage
from dedup.saved import SavedRun, build_on, expand
from dedup.saved import save as save_run
from dedup.stages.clean import WHOLE_SOURCE, Account, Cleaner
from dedup.stages.read import read
from dedup.stages.report import Report, report

if TYPE_CHECKING:
    from dedup.tuning.result import Tuning

BATCH_BYTES = 8 << 20


class Progress(Protocol):
    """Is told how far a run is."""

    def phase(self, name: str, total_bytes: int | None) -> None:
        """A phase begins; `total_bytes` is None where it is not known."""

    def advance(self, n: int) -> None:
        """n more bytes are done."""


class _Silent:
    def phase(self, name: str, total_bytes: int | None) -> None:
        pass

    def advance(self, n: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class CleanResult:
    """What a clean run did; `accounting` sums up all sources, `exit_code` is 0, or 3 where some input was bad."""

    report: Report
    accounting: dict[str, int]
    out: str
    exit_code: int


def scan_files(
    inputs: Sequence[str], config: Config | None = None, *, fields: Fields | None = None, format: str | None = None,
    threads: int = 1, memory: int | None = None, save: str | None = None, top: int = 10, progress: Progress | None = None,
    backend: Backend | None = None,
) -> Report:  # fmt: skip
    """Find what repeats in files and say so; nothing is written but, if asked for, the saved run.

    Args:
        inputs: files, folders, globs, saved runs; `-` is standard input.
        config: what to compare and how.
        fields: names of record fields; what is not named is looked for.
        format: the format of inputs whose name does not tell it.
        threads: batches at work at a time; does not change the result.
        memory: bytes that the run keeps within, see `dedup.spill.within`; does not change the result.
        save: a folder to save documents, segments, matches and clusters in, as Parquet.
        top: clusters to describe in the report.
        progress: is told how far the run is.
        backend: where the work runs; by default here, in threads.

    Raises:
        UsageError: an input or field is not there.
        FormatError: no input can be read.
    """
    config = config or Config()
    plain, runs = expand(inputs)
    with spill.within(memory), opened(plain, format) as found, _backend(backend, threads) as worker:
        outcome, notes = _decide(found, config, fields or Fields(), progress or _Silent(), worker, threads, runs)
        result = report_of(outcome, config, top, notes)
        if save is not None:
            with stage(Path(save), overwrite=False, inputs=plain) as target:
                save_run(target, outcome, config, plain, worker)
    return result


def clean_files(
    inputs: Sequence[str], out: str, config: Config | None = None, *, fields: Fields | None = None, format: str | None = None,
    threads: int = 1, memory: int | None = None, overwrite: bool = False, bad_records: str = "keep", dry_run: bool = False,
    log: str | None = None, top: int = 10, progress: Progress | None = None, backend: Backend | None = None,
) -> CleanResult:  # fmt: skip
    """Write cleaned copies of files to a folder, and beside them what was removed.

    Args:
        out: the folder to make; `-` writes one source to standard output, and its log to the folder `log` if one is named.
        overwrite: whether `out` may replace a folder that is there.
        bad_records: `keep` leaves records that cannot be read in their place, `quarantine` moves them to the log's folder,
            `fail` ends the run.
        dry_run: decide and report, write nothing.
        The other arguments are those of `scan_files`.

    Raises:
        OutputExistsError: `out` is there already.
        UsageError: an input or field is not there, or `out` overlaps an input.
        DedupError: `out` cannot be written. In every case nothing is published and the inputs are as they were.
    """
    config, progress = config or Config(), progress or _Silent()
    if bad_records not in ("keep", "quarantine", "fail"):
        raise UsageError(f"bad_records must be keep, quarantine or fail, not {bad_records!r}.")
    with spill.within(memory), opened(inputs, format) as found:
        prints = [_fingerprint(source.path) for source in found.sources]
        if out == "-" and (len(found.sources) != 1 or found.sources[0].format == "parquet"):
            raise UsageError("standard output takes one input of a text format. Name a folder: -o OUT.")
        if out != "-" and not dry_run and not overwrite and os.path.lexists(out):
            with stage(Path(out), overwrite=False, inputs=list(inputs)):
                pass  # says so before the work is done, not after
        with _backend(backend, threads) as worker:
            outcome, notes = _decide(found, config, fields or Fields(), progress, worker, threads)
        _check_bad(outcome.corpus, bad_records)
        result = report_of(outcome, config, top, notes)
        accounts: list[Account] = []
        if not dry_run:
            with _target(out, log, overwrite, list(inputs), found.sources) as target:
                try:
                    accounts = _write(outcome, config, result, target, bad_records != "quarantine", progress, threads)
                except Exception:
                    _check_unchanged(found.sources, prints)  # whatever came of a change, the change is what to tell
                    raise
                _check_unchanged(found.sources, prints)
    unread = any(reason.startswith("cannot be read") for _, reason in found.skipped)
    return CleanResult(result, _sum(accounts), out, 3 if outcome.corpus.bad or unread else 0)


def tune_files(
    inputs: Sequence[str], config: Config | None = None, *, fields: Fields | None = None, format: str | None = None,
    threads: int = 1, memory: int | None = None, top: int = 10, progress: Progress | None = None, backend: Backend | None = None,
) -> Tuning:  # fmt: skip
    """Estimate recall and precision by threshold on files, and propose a setting; nothing is written.

    Args:
        top: pairs at the proposed line to describe.
        The other arguments are those of `scan_files`.

    Raises:
        UsageError: an input or field is not there, or there is too little text to estimate from.
        FormatError: no input can be read.
    """
    from dedup.tuning.tune import tune

    progress = progress or _Silent()
    with spill.within(memory), opened(inputs, format) as found, _backend(backend, threads) as worker:
        progress.phase("reading", sum(Path(source.path).stat().st_size for source in found.sources))
        corpus = read(found.sources, fields or Fields(), BATCH_BYTES, progress.advance)
        return tune(corpus, config or Config(), worker, top, lambda name: progress.phase(name, None))


def restore(out: str, back: str, *, overwrite: bool = False) -> dict[str, Any]:
    """Put the inputs of a clean run back together from its OUT and log.

    Args:
        out: the folder that `clean` made.
        back: the folder to make.
        overwrite: whether `back` may replace a folder that is there.

    Returns:
        `sources`, `records`, `bytes` put back, and `problems`: the sources that are not as they were.
    """
    from dedup.stages.restore import restore as put_back

    with stage(Path(back), overwrite=overwrite, inputs=[out]) as target:
        return asdict(put_back(Path(out), target))


@contextmanager
def opened(inputs: Sequence[str], format: str | None) -> Iterator[Discovery]:
    """The sources of the inputs; standard input is spooled to a file for as long as they are used."""
    found = discover(list(inputs), format)
    with tempfile.TemporaryDirectory(prefix="dedup-") as folder:
        spooled = []
        for source in found.sources:
            if source.path == "-":
                path = str(Path(folder) / source.name)
                with Path(path).open("wb") as spool:
                    shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
                source = replace(source, path=path)  # noqa: PLW2901
            spooled.append(source)
        yield replace(found, sources=tuple(spooled))


@contextmanager
def _backend(given: Backend | None, threads: int) -> Iterator[Backend]:
    """The backend that was given, or one of threads for as long as it is used."""
    if given is not None:
        yield given
        return
    backend = LocalBackend(threads)
    try:
        yield backend
    finally:
        backend.close()


def _decide(
    found: Discovery,
    config: Config,
    fields: Fields,
    progress: Progress,
    backend: Backend,
    threads: int,
    runs: Sequence[SavedRun] = (),
) -> tuple[pipeline.Outcome, list[str]]:
    progress.phase("reading", sum(Path(source.path).stat().st_size for source in found.sources))
    ahead = Ahead(threads) if threads > 1 else None
    corpus = read(found.sources, fields, BATCH_BYTES, progress.advance, config.grain != "document", ahead)
    run = pipeline.Run(corpus, config, backend, lambda name, _: progress.phase(name, None))
    build_on(run, config, runs)
    return run.decide(), [f"{path}: {reason}" for path, reason in found.skipped]


def report_of(outcome: pipeline.Outcome, config: Config, top: int, notes: list[str]) -> Report:
    """Sum an outcome up."""
    return report(
        removals=outcome.removals, left=outcome.left, shown=outcome.shown, boilerplate=outcome.boilerplate,
        phrases=outcome.phrases, counts=outcome.counts, passes=outcome.passes,
        settled=outcome.settled, config=config.as_dict(), digest=config.digest(), top=top, notes=notes,
    )  # fmt: skip


def _check_bad(corpus: Corpus, bad_records: str) -> None:
    if bad_records == "fail" and corpus.bad:
        first = corpus.bad[0]
        name = corpus.sources[first.source].path
        raise DedupError(
            f"{name}, record {first.record:,}, byte {first.offset:,}: {first.reason} Nothing was published ({len(corpus.bad):,} bad "
            "records in all); mend the input, or let them pass with --bad-records keep."
        )


@contextmanager
def _target(out: str, log: str | None, overwrite: bool, inputs: list[str], sources: Sequence[Source]) -> Iterator[Path]:
    """The folder to write to: published as OUT, or streamed to standard output once it is whole."""
    needed = sum(Path(source.path).stat().st_size for source in sources)
    if out != "-":
        with stage(Path(out), overwrite=overwrite, inputs=inputs, needed=needed) as target:
            yield target
        return
    with tempfile.TemporaryDirectory(prefix="dedup-") as folder:
        target = Path(folder)
        yield target
        if log is not None:
            with stage(Path(log), overwrite=overwrite, inputs=inputs) as kept:
                shutil.copytree(target / FOLDER, kept, dirs_exist_ok=True)
        path = target / sources[0].name
        if path.is_file():
            with path.open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()


def _write(
    outcome: pipeline.Outcome,
    config: Config,
    result: Report,
    target: Path,
    keep_bad: bool,
    progress: Progress,
    threads: int,
) -> list[Account]:
    """Everything that OUT holds."""
    folder = target / FOLDER
    folder.mkdir()
    corpus = outcome.corpus
    accounts: list[Account] = []
    progress.phase("writing", sum(Path(source.path).stat().st_size for source in corpus.sources))
    with (
        closing(Beside(threads)) as beside,
        open_compressed(str(folder / REMOVED), "zstd") as removed,
        (folder / QUARANTINE).open("wb") as quarantine,
        beside.done(),
    ):
        lines = LogLines(outcome.removals, outcome.left, outcome.shown, config.host_from)
        log = LineWriter(removed, beside.call)
        cleaner = Cleaner(outcome.left, lines, log, LineWriter(quarantine), keep_bad, beside)
        for source in corpus.sources:
            accounts.append(cleaner.clean(source.index, target))
            progress.advance(Path(source.path).stat().st_size)
        cleaner.finish()
    write_json(folder / REPORT, result.as_dict())
    write_json(folder / MANIFEST, _manifest(corpus, config, accounts))
    return accounts


def _manifest(corpus: Corpus, config: Config, accounts: list[Account]) -> dict[str, Any]:
    from dedup import __version__

    whole = {record.source for record in corpus.bad if record.record == WHOLE_SOURCE}
    sources = [
        {**asdict(account), "format": source.format, "compression": source.compression, "fields": asdict(fields),
         "whole": source.index not in whole}
        for account, source, fields in zip(accounts, corpus.sources, corpus.fields, strict=True)
    ]  # fmt: skip
    return {
        "schema": MANIFEST_SCHEMA, "version": __version__, "config": config.as_dict(), "digest": config.digest(),
        "accounting": _sum(accounts), "sources": sources,
    }  # fmt: skip


def _sum(accounts: list[Account]) -> dict[str, int]:
    names = [f"{unit}_{part}" for unit in ("records", "bytes") for part in ("in", "kept", "removed", "quarantined")]
    return {name: sum(getattr(account, name) for account in accounts) for name in names}


def _check_unchanged(sources: Sequence[Source], prints: Sequence[tuple[int, int, int]]) -> None:
    for source, before in zip(sources, prints, strict=True):
        if _fingerprint(source.path) != before:
            raise InputChangedError(
                f"{source.path}: it was changed while it was being cleaned. Nothing was published; run again."
            )


def _fingerprint(path: str) -> tuple[int, int, int]:
    """Size, time of change and inode of a file; nothing of the kind where it is gone."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return -1, -1, -1
    return found.st_size, found.st_mtime_ns, found.st_ino
