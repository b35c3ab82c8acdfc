"""One whole run over a file in a process of its own, measured from inside: CPU seconds, wall seconds, peak memory.

    python benchmarks/wholes.py scan-auto FILE.jsonl

A process of its own, so that peak memory is that of this run, and no run finds the allocator as another left it. Before
the clock starts the same is done to the file's first records, so that no row pays for loading modules.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from measure import Cost

FEW_RECORDS = 20

Grain = Literal["auto", "document"]


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage gives a new program the peak of the one that started it
        found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
        if found:
            return int(found.group(1)) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _pyarrow(path: str, threads: int) -> Callable[[], object]:  # noqa: ARG001 - one thread is what is asked of it
    import pyarrow as pa
    from pyarrow import json as reader

    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    reading, parsing = reader.ReadOptions(use_threads=False), reader.ParseOptions(explicit_schema=schema)
    return lambda: reader.read_json(path, read_options=reading, parse_options=parsing)


def _scan(grain: Grain) -> Callable[[str, int], Callable[[], object]]:
    def prepare(path: str, threads: int) -> Callable[[], object]:
        from dedup.config import Config
        from dedup.files import scan_files

        return lambda: asdict(scan_files([path], Config(grain=grain), threads=threads))

    return prepare


def _near(path: str, threads: int) -> Callable[[], object]:
    """Near-duplicates alone: no repeats, no boilerplate."""
    from dedup.config import Config
    from dedup.files import scan_files

    return lambda: asdict(scan_files([path], Config(cut="none", boilerplate="keep"), threads=threads))


def _clean(path: str, threads: int) -> Callable[[], object]:
    from dedup.files import clean_files

    def run() -> object:
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            return asdict(clean_files([path], str(Path(folder) / "out"), threads=threads).report)

    return run


WHOLES: dict[str, Callable[[str, int], Callable[[], object]]] = {
    "pyarrow": _pyarrow,
    "scan-auto": _scan("auto"),
    "scan-near": _near,
    "scan-document": _scan("document"),
    "clean": _clean,
}


def whole(name: str, path: str, threads: int = 1) -> Cost:
    """Run one of `WHOLES` in a process of its own.

    Raises:
        RuntimeError: it failed; the message is what it said.
    """
    command = [sys.executable, str(Path(__file__)), name, path, "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return Cost(**json.loads(done.stdout)["cost"])


def _warm_up(name: str, path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "few.jsonl"
        with Path(path).open("rb") as stream:
            few.write_bytes(b"".join(islice(stream, FEW_RECORDS)))
        WHOLES[name](str(few), 1)()


def _numbers(result: object) -> dict[str, Any]:
    """What of a report is a number, to show that the work was done."""
    return {name: value for name, value in result.items() if isinstance(value, int)} if isinstance(result, dict) else {}


def main() -> None:
    """Run one whole and print its cost as JSON."""
    parser = argparse.ArgumentParser(description="Run one whole over a file and print what it cost, as JSON.")
    parser.add_argument("name", choices=sorted(WHOLES))
    parser.add_argument("path")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    run = WHOLES[given.name](given.path, given.threads)
    _warm_up(given.name, given.path)
    bare = _peak_bytes()
    cpu, wall = time.process_time(), time.perf_counter()
    result = run()
    cost = Cost(time.process_time() - cpu, time.perf_counter() - wall, _peak_bytes(), bare)
    print(json.dumps({"cost": asdict(cost), "numbers": _numbers(result)}))


if __name__ == "__main__":
    main()
