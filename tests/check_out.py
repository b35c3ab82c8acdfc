"""`python check_out.py FOLDER OUT`: OUT and its log alone give FOLDER back, nothing is unaccounted for. No code of dedup."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Line = dict[str, Any]
PARTS = ("in", "kept", "removed", "quarantined")


def read(path: Path) -> bytes:
    """A file, unpacked if its name ends in .gz or .zst; a missing one is empty."""
    with pa.input_stream(str(path)) if path.exists() else io.BytesIO() as stream:
        return bytes(stream.read())


def log(out: Path, name: str) -> list[Line]:
    """The lines of `removed.jsonl.zst` or `quarantine.jsonl`."""
    return [json.loads(line) for line in read(out / "dedup" / name).splitlines()]


def raw_of(line: Line) -> bytes:
    """The bytes that a line took out."""
    return base64.b64decode(line["raw_base64"]) if "raw_base64" in line else str(line["raw"]).encode()


def restored(out: bytes, lines: list[Line]) -> bytes:
    """What was taken out, put back at its offset."""
    result, at = bytearray(), 0
    for line in sorted(lines, key=lambda line: line["offset"]):
        step = line["offset"] - len(result)
        result += out[at : at + step] + raw_of(line)
        at += step
    return bytes(result + out[at:])


def restored_rows(rows: list[Line], lines: list[Line]) -> list[Line]:
    """The same for Parquet: rows at their numbers, then pieces at their offsets in the values."""
    for line in sorted(lines, key=lambda line: (line["action"] != "drop", line["offset"], line["start"])):
        if line["action"] == "drop":
            rows.insert(line["offset"], pa.ipc.open_stream(raw_of(line)).read_all().to_pylist()[0])
        else:
            value, start = rows[line["offset"]][line["column"]].encode(), line["start"]
            rows[line["offset"]][line["column"]] = (value[:start] + raw_of(line) + value[start:]).decode()
    return rows


def problems(folder: Path, out: Path) -> Iterator[str]:
    """All that is wrong with OUT."""
    sources = json.loads((out / "dedup/manifest.json").read_text("utf-8"))["sources"]
    if {entry["name"] for entry in sources} != {p.relative_to(folder).as_posix() for p in folder.rglob("*.*")}:
        yield "the manifest lists other files than there are"
    logs = [
        [line for line in log(out, name) if line.keys() & {"raw", "raw_base64"}]
        for name in ("removed.jsonl.zst", "quarantine.jsonl")
    ]
    for entry in sources:
        source, cleaned = folder / entry["name"], out / entry["name"]
        removed, taken = ([line for line in lines if line["source"] == entry["name"]] for lines in logs)
        gone = {"removed": sum(line["action"] == "drop" for line in removed), "quarantined": len(taken)}
        sizes = [entry[f"bytes_{part}"] for part in PARTS]
        if entry["format"] == "parquet":
            one, two = pq.read_table(source), pq.read_table(cleaned)
            same = restored_rows(two.to_pylist(), removed) == one.to_pylist() and one.schema == two.schema
            same = same and len(one) - len(two) == gone["removed"]
        else:
            before, after = read(source), read(cleaned)
            same = restored(after, [*removed, *taken]) == before
            same = same and sizes == [
                len(b) for b in (before, after, *(b"".join(map(raw_of, x)) for x in (removed, taken)))
            ]
        records = {part: entry[f"records_{part}"] for part in PARTS}
        adds_up = all(
            n["in"] == n["kept"] + n["removed"] + n["quarantined"] for n in (records, dict(zip(PARTS, sizes)))
        )
        if not (same and adds_up and gone.items() <= records.items()):
            yield f"{source}: it does not come back, or its books are wrong: {records}, {sizes}"


if __name__ == "__main__":
    sys.exit("\n".join(problems(Path(sys.argv[1]), Path(sys.argv[2]))) or 0)
