"""Memory within a cap: what lies in files is what it was, the cap holds, and a full disk is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import kernels, spill
from dedup.config import Config
from dedup.errors import DedupError, UsageError
from dedup.files import clean_files

LARGE = 1 << 20
"""Bytes from which a block may go to a file."""

can_spill = pytest.mark.skipif(
    spill._native is None or not sys.platform.startswith("linux"),
    reason="the cap is kept on Linux, by the compiled core",
)


@pytest.fixture
def no_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "LEAST", 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("512M", 512 << 20), ("8g", 8 << 30), ("1.5K", 1536), ("700", 700), ("2GiB", 2 << 30), ("1TB", 1 << 40)],
)
def test_sizes(text: str, size: int) -> None:
    assert spill.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "8X", "-", "1,5G"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        spill.parse_size(text)


@can_spill
@pytest.mark.usefixtures("no_least")
@given(
    st.lists(
        st.tuples(st.sampled_from(["make", "zeros", "resize", "free"]), st.integers(1, 5 * LARGE), st.integers(0, 7)),
        max_size=30,
    )
)
def test_arrays_in_files_hold_what_was_put_there(steps: list[tuple[str, int, int]]) -> None:
    """Against the same steps with bytearrays, which know nothing of files."""
    with spill.within(1):
        arrays: dict[int, np.ndarray] = {}
        truth: dict[int, bytearray] = {}
        for number, (what, size, place) in enumerate(steps):
            fill = number % 251 + 1
            if what == "make":
                arrays[place], truth[place] = np.full(size, fill, np.uint8), bytearray([fill]) * size
            elif what == "zeros":
                arrays[place], truth[place] = np.zeros(size, np.uint8), bytearray(size)
            elif what == "resize" and place in arrays:
                arrays[place].resize(size, refcheck=False)
                truth[place] = (truth[place] + bytearray(size))[:size]
            elif what == "free":
                arrays.pop(place, None)
                truth.pop(place, None)
        for place, array in arrays.items():
            assert array.tobytes() == bytes(truth[place])


@can_spill
@pytest.mark.usefixtures("no_least")
def test_small_arrays_stay_out_of_files_and_large_ones_do_not() -> None:
    with spill.within(1) as small:
        kept = [np.zeros(LARGE // 2, np.uint8) for _ in range(8)]
    with spill.within(1) as large:
        kept.append(np.ones(3 * LARGE, np.uint8))
    with spill.within(1 << 40) as ample:
        kept.append(np.ones(3 * LARGE, np.uint8))
    assert (small.most, ample.most - small.most) == (0, large.most)  # what is alive still counts
    assert large.most >= 3 * LARGE
    assert int(kept[-2].sum()) == 3 * LARGE  # it outlives the run


@can_spill
@pytest.mark.usefixtures("no_least")
def test_threads_make_and_free_at_once() -> None:
    def work(seed: int) -> bool:
        spill.here()
        rng = np.random.default_rng(seed)
        held = [np.full(int(rng.integers(LARGE, 2 * LARGE)), seed, np.uint8) for _ in range(6)]
        for _ in range(40):
            place = int(rng.integers(len(held)))
            if not (held[place] == seed).all():
                return False
            held[place] = np.concatenate([held[place][: LARGE // 2], np.full(int(rng.integers(LARGE)), seed, np.uint8)])
        return all(bool((array == seed).all()) for array in held)

    with spill.within(1), ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


@can_spill
@pytest.mark.usefixtures("no_least")
def test_a_cap_of_one_run_ends_with_it() -> None:
    with spill.within(1):
        pass
    held = np.zeros(4 * LARGE, np.uint8)
    with spill.within(1 << 40) as later:
        pass
    assert later.most == 0
    assert held.nbytes == 4 * LARGE


_RUN = """
import sys, threading, numpy as np
from dedup import spill
peak = 0
def pss():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:"))
with spill.within(int(sys.argv[1])) as found:
    a = np.arange(40_000_000)
    for step in range(5):
        before, a = a, a * 3 + 1
        peak = max(peak, pss())
    total = int(a[::7].sum())
print(peak, found.most, total)
"""


@can_spill
def test_the_cap_holds_and_changes_nothing() -> None:
    """Arrays of a gigabyte at a time, in 192 MB and in ample memory; what is touched between two looks comes on top of the cap."""
    ran = [
        [
            int(word)
            for word in subprocess.run(
                [sys.executable, "-c", _RUN, str(cap)], capture_output=True, check=True
            ).stdout.split()
        ]
        for cap in (192 << 20, 1 << 40)
    ]
    assert ran[0][0] <= (192 + 256) << 20 < ran[1][0]
    assert ran[0][1] > 200 << 20
    assert ran[1][1] == 0
    assert ran[0][2] == ran[1][2]


@can_spill
@pytest.mark.usefixtures("no_least")
@pytest.mark.parametrize(("grain", "threads"), [("auto", 2), ("document", 1)])
def test_the_same_bytes_come_out(tmp_path: Path, grain: str, threads: int) -> None:
    rng = np.random.default_rng(5)
    words = [f"w{number}" for number in range(5000)]
    stories = [" ".join(rng.choice(words, 60)) + "." for _ in range(250)]
    with (tmp_path / "in.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(900):
            parts = [stories[place] for place in rng.integers(0, len(stories), 3)] + [" ".join(rng.choice(words, 80))]
            stream.write(json.dumps({"text": "\n".join(parts), "url": f"http://h{number % 7}.example/{number}"}) + "\n")
    folders = {}
    for memory, name in ((1, "tight"), (1 << 40, "ample")):
        clean_files(
            [str(tmp_path / "in.jsonl")], str(tmp_path / name), Config(grain=grain), threads=threads, memory=memory
        )
        folders[name] = {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in sorted((tmp_path / name).rglob("*"))
            if path.is_file()
        }
    assert folders["tight"] == folders["ample"]


@can_spill
@pytest.mark.usefixtures("no_least")
def test_no_room_for_the_files_is_told_and_nothing_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(
        "".join(json.dumps({"text": f"w{number} " * 400}) + "\n" for number in range(4000)), encoding="utf-8"
    )
    monkeypatch.setattr(spill, "spill_folder", lambda: str(tmp_path / "gone"))
    monkeypatch.setattr(
        spill.shutil, "disk_usage", lambda _: os.statvfs_result([0] * 10) and type("Room", (), {"free": 7})
    )
    with pytest.raises(DedupError, match="memory is short") as told:
        clean_files([str(source)], str(tmp_path / "out"), memory=1)
    assert "TMPDIR" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_cap_that_is_too_small_is_refused() -> None:
    with pytest.raises(UsageError, match="128 MB"), spill.within(1 << 20):
        pass


def test_without_the_core_a_cap_is_refused_and_a_run_without_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "_native", None)
    with pytest.raises(UsageError, match="Leave --memory away"), spill.within(1 << 30):
        pass
    with spill.within(None) as found:
        assert int(np.ones(LARGE).sum()) == LARGE
    assert found.most == 0
    assert kernels.IMPLEMENTATION in ("native", "portable")
