"""What goes wrong is said, with the place, the reason and what to do; nothing is lost, nothing half done is left behind."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import check_out
import pytest
from corpora import EN, ZH, laid_out, packed

from dedup import cli
from dedup.errors import DedupError, InputChangedError
from dedup.files import clean_files

REPO = Path(__file__).resolve().parents[1]
GOOD = [json.dumps({"text": text}) for text in (*ZH, *EN, ZH[0])]
State = dict[str, tuple[bytes, int, int]]


def state(folder: Path) -> State:
    """Every file below a folder: its bytes, when it was changed, its mode."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with a good input, `in/good.jsonl`; what a test makes stands beside `in`."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/good.jsonl").write_text("\n".join(GOOD) + "\n", "utf-8")
    return tmp_path


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process: exit code and stderr."""

    def called(*args: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(arg) for arg in args], prog_name="dedup")
        code = ended.value.code
        return (code if isinstance(code, int) else 0), capfd.readouterr().err

    return called


def refused(found: tuple[int, str], code: int, *words: object) -> None:
    """The run ended with this code, and said these words without a traceback."""
    assert found[0] == code, found
    said = " ".join(found[1].split())
    assert "error:" in said.lower(), found
    assert "Traceback" not in said
    for word in words:
        assert str(word).lower() in said.lower(), found


def only(folder: Path, *names: str) -> None:
    """Nothing but these stands in the folder: no OUT, no stage."""
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


# --- the call


@pytest.mark.parametrize("command", [["scan"], ["clean", "-o", "out"]])
@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["absent.jsonl"], ["absent.jsonl", "no such file", "spelling"]),
        (["in/*.absent"], ["in/*.absent", "no file matches", "quotes"]),
        (["in/strange.xyz"], ["strange.xyz", "format", "--format"]),
        (["in/good.jsonl", "--text-field", "corps"], ["good.jsonl", "corps", "text (string", "--text-field"]),
        (["in/good.jsonl", "--id-field", "nummer"], ["good.jsonl", "nummer", "--id-field"]),
        (["in/untitled.jsonl"], ["untitled.jsonl", "no field looks like the text", "--text-field"]),
        (["in/link.jsonl"], ["link.jsonl", "broken link"]),
        (["in/pipe.jsonl"], ["pipe.jsonl", "named pipe", "-"]),
        (["in/good.jsonl", "--threshold", "0"], ["threshold"]),
        (["in/good.jsonl", "--keep", "prefer"], ["prefer"]),
        ([], ["INPUT"]),
    ],
)
def test_a_call_that_cannot_be_carried_out(
    given: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], inputs: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(given)
    (given / "in/strange.xyz").write_text("x")
    (given / "in/untitled.jsonl").write_text('{"a": "x"}\n')
    (given / "in/link.jsonl").symlink_to("nowhere")
    os.mkfifo(given / "in/pipe.jsonl")
    refused(run(*command, *inputs), 2, *words)
    only(given, "in")


@pytest.mark.parametrize("kind", ["file", "folder", "full folder", "dangling link"])
def test_out_is_there_already(given: Path, run: Run, kind: str) -> None:
    out = given / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "dangling link":
        out.symlink_to("nowhere")
    else:
        out.mkdir()
        if kind == "full folder":
            (out / "mine").write_text("mine")
    before = state(given)
    refused(run("clean", given / "in", "-o", out), 5, out, "there already", "--overwrite")
    assert state(given) == before
    only(given, "in", "out")


@pytest.mark.parametrize("where", ["in/out", "in", "in/../in/deep/out", "alias/out", "."])
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_out_overlaps_the_input(given: Path, run: Run, where: str, overwrite: tuple[str, ...]) -> None:
    (given / "in/deep").mkdir()
    (given / "alias").symlink_to("in")
    before = state(given)
    code, said = run("clean", given / "in", "-o", given / where, *overwrite)
    refused(
        (code, said), 2 if overwrite or not (given / where).exists() else code, given / "in" if code == 2 else where
    )
    assert code in (2, 5)
    assert state(given) == before
    only(given, "in", "alias")


def test_out_has_no_folder_to_stand_in(given: Path, run: Run) -> None:
    refused(run("clean", given / "in", "-o", given / "a/b/out"), 2, given / "a/b", "no such folder", "first")
    only(given, "in")


# --- records and files that cannot be read

BROKEN_LINES = [
    b'{"text": "cut of', b"{'text': 'x'}", b"[]", b"null", b"7", b'"text"', b'{"text": 7}', b'{"text": ["x"]}', b"{" * 3000,
    b'{"text": "a\x01b"}', b"\x00", b'{"text": "x"} {"text": "y"}', b"// text",
]  # fmt: skip
ODD_LINES = [
    b'{"text": "\xff\xfe not UTF-8 \xe4\xb8"}', b'{"text": "\\ud800"}', b'{"text": null}', b"{}", b'{"id": 1}', b'{"text": ""}',
    b'{"text": "a", "text": "b"}', b'{"text": "\\u0000\\u001b[31m"}', b'{"text": "x", "n": 1e999, "m": NaN}', b" \t",
    b'{"text":"' + b"0" * 5000 + b'","id":12345678901234567890123456789}', "{\"text\": \"\u2028\u0085\"}".encode(),
]  # fmt: skip


@pytest.mark.parametrize("place", [0, 5, len(GOOD)])
@pytest.mark.parametrize("line", [*BROKEN_LINES, *ODD_LINES], ids=lambda line: repr(line[:20]))
def test_one_bad_line_changes_nothing_else(given: Path, line: bytes, place: int) -> None:
    good = [text.encode() for text in GOOD]
    path = given / "in/good.jsonl"
    clean_files([str(path)], str(given / "wanted"))
    wanted = (given / "wanted/good.jsonl").read_bytes().splitlines()
    path.write_bytes(b"\n".join([*good[:place], line, *good[place:]]) + b"\n")
    result = clean_files([str(path)], str(given / "out"))
    assert list(check_out.problems(given / "in", given / "out")) == []
    left = (given / "out/good.jsonl").read_bytes().split(b"\n")
    assert line in left
    left.remove(line)
    assert left == [*wanted, b""]
    assert result.exit_code == (3 if line in BROKEN_LINES else 0)
    listed = check_out.log(given / "out", "quarantine.jsonl")
    assert [entry["record"] for entry in listed] == ([place] if line in BROKEN_LINES else [])
    assert all(entry["reason"] for entry in listed)


def test_a_broken_line_moved_or_refused(given: Path, run: Run) -> None:
    path = given / "in/good.jsonl"
    path.write_bytes(b'{"text": "one"}\n{broken\n{"text": "two"}\n')
    refused(
        run("clean", path, "-o", given / "out", "--bad-records", "fail"),
        1,
        path,
        "record 1",
        "byte 16",
        "--bad-records",
    )
    only(given, "in")
    assert run("clean", path, "-o", given / "out", "-q", "--bad-records", "quarantine")[0] == 3
    assert (given / "out/good.jsonl").read_bytes() == b'{"text": "one"}\n{"text": "two"}\n'
    [line] = check_out.log(given / "out", "quarantine.jsonl")
    assert (line["raw"], line["record"], line["offset"]) == ("{broken\n", 1, 16)
    assert list(check_out.problems(given / "in", given / "out")) == []


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jsonl", "a.csv", "a.tsv"])
def test_an_empty_file_is_no_error(given: Path, run: Run, name: str) -> None:
    (given / "in" / name).write_bytes(b"")
    for inputs in ([given / "in" / name], [given / "in"]):
        out = given / f"out{len(inputs)}"
        assert run("clean", *inputs, "-o", out, "-q")[0] == 0
        assert (out / name).read_bytes() == b""
        shutil.rmtree(out)


def damaged(name: str) -> tuple[bytes, str]:
    """A file that cannot be read to its end, and a word of what must be said."""
    body = "".join(line + "\n" for line in GOOD * 50).encode()
    table = laid_out([*ZH, *EN], ".parquet")
    return {
        "cut.jsonl.gz": (gzip.compress(body)[:-9], "ends early"),
        "half.jsonl.zst": (packed(body, ".zst")[: len(packed(body, ".zst")) // 2], "early"),
        "wrong.jsonl.gz": (body, "damaged"),
        "crc.jsonl.gz": (gzip.compress(body)[:-8] + b"\0" * 8, "damaged"),
        "tail.jsonl.zst": (packed(body, ".zst") + b"more", "damaged"),
        "empty.csv.gz": (b"", "empty"),
        "cut.parquet": (table[:-20], "Parquet"),
        "no.parquet": (b"PAR1" + body, "Parquet"),
        "empty.parquet": (b"", "Parquet"),
        "wide.jsonl": ('{"text": "x"}\n'.encode("utf-16"), "UTF-16"),
    }[name]


@pytest.mark.parametrize(
    "name",
    ["cut.jsonl.gz", "half.jsonl.zst", "wrong.jsonl.gz", "crc.jsonl.gz", "tail.jsonl.zst", "empty.csv.gz", "cut.parquet",
     "no.parquet", "empty.parquet", "wide.jsonl"],
)  # fmt: skip
def test_a_damaged_file(given: Path, run: Run, name: str) -> None:
    path = given / "in" / name
    path.write_bytes(damaged(name)[0])
    before = state(given)
    if name != "wide.jsonl":
        refused(run("clean", path, "-o", given / "out"), 1, path, damaged(name)[1], "again")
        assert state(given) == before
        only(given, "in")
    code, _ = run("clean", given / "in", "-o", given / "out", "-q")
    assert code == 3
    assert (given / "out" / name).read_bytes() == path.read_bytes()
    assert len((given / "out/good.jsonl").read_bytes().splitlines()) == len(GOOD) - 1
    [line] = check_out.log(given / "out", "quarantine.jsonl")
    assert line["source"] == name
    assert damaged(name)[1].lower() in line["reason"].lower()
    assert run("restore", given / "out", "-o", given / "back", "-q")[0] == 0
    assert {path: data for path, (data, *_) in state(given / "back").items()} == {
        path: data for path, (data, *_) in state(given / "in").items()
    }


def test_out_and_log_that_were_tampered_with(given: Path, run: Run) -> None:
    assert run("clean", given / "in", "-o", given / "out", "-q")[0] == 0
    refused(run("restore", given / "in", "-o", given / "back"), 2, given / "in", "manifest", "clean")
    refused(run("restore", given / "absent", "-o", given / "back"), 2, given / "absent")
    whole, unpacked = (
        (given / "out/dedup/removed.jsonl.zst").read_bytes(),
        check_out.read(given / "out/dedup/removed.jsonl.zst"),
    )
    (given / "out/dedup/removed.jsonl.zst").write_bytes(whole[:-5])
    refused(run("restore", given / "out", "-o", given / "back"), 1, "removed.jsonl.zst", "early")
    (given / "out/dedup/removed.jsonl.zst").write_bytes(packed(unpacked[:-5] + b"\n", ".zst"))
    refused(run("restore", given / "out", "-o", given / "back"), 1, "removed.jsonl.zst", "line 1", "copy")
    (given / "out/dedup/removed.jsonl.zst").write_bytes(whole)
    (given / "out/good.jsonl").unlink()
    refused(run("restore", given / "out", "-o", given / "back"), 2, "good.jsonl", "missing", "copy")
    only(given, "in", "out")
    (given / "out/good.jsonl").write_text("{}\n")
    code, said = run("restore", given / "out", "-o", given / "back")
    assert code in (1, 3)
    assert "good.jsonl" in said or code == 3


# --- the machine


class Meddler:
    """Told that the writing begins, does something to the files."""

    def __init__(self, deed: Callable[[], Any]) -> None:
        self._deed = deed

    def phase(self, name: str, total_bytes: int | None) -> None:
        if name == "writing":
            self._deed()

    def advance(self, n: int) -> None:
        pass


def rewrite(path: Path, data: bytes) -> None:
    """Other bytes, at another moment."""
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.jsonl.gz", "a.jsonl.zst", "a.parquet"])
@pytest.mark.parametrize("deed", ["shorter", "longer", "other", "gone"])
def test_an_input_that_changes_during_the_run(given: Path, name: str, deed: str) -> None:
    path = given / "in" / name
    ending, packing = name[1:].removesuffix(".gz").removesuffix(".zst"), name[1:].partition(".")[2].partition(".")[2]
    texts = ["\n".join([*ZH, *EN, ZH[0], EN[0]])] * (1 if ending == ".txt" else 3)
    path.write_bytes(packed(laid_out(texts, ending), packing and "." + packing))
    whole = path.read_bytes()
    deeds: dict[str, Callable[[], Any]] = {
        "shorter": lambda: rewrite(path, whole[: len(whole) // 2]),
        "longer": lambda: rewrite(path, whole + whole),
        "other": lambda: rewrite(path, bytes(reversed(whole))),
        "gone": path.unlink,
    }
    with pytest.raises(DedupError, match=name) as failure:
        clean_files([str(given / "in")], str(given / "out"), progress=Meddler(deeds[deed]))
    assert isinstance(failure.value, InputChangedError), failure.value
    only(given, "in")


def spawned(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "dedup", *map(str, args)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=60, **options)


UNPRIVILEGED = """
import contextlib, io, os, sys
from dedup.cli import main
os.makedirs("warm")
open("warm/a.jsonl", "w").write('{"text": "猫"}\\n{"text": "猫"}\\n{"text": 猫\\n')
for args in (["clean", "warm", "-o", "warmed"], ["clean", "--nope"], ["scan", "absent"], ["scan", "warm/a.jsonl", "--id-field", "x"]):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
        main(args)  # so that all is imported while this may still read the modules
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
main(sys.argv[1:], prog_name="dedup")
"""


@pytest.mark.parametrize(
    ("closed", "args", "code", "words"),
    [
        ("in/good.jsonl", ["clean", "in/good.jsonl", "-o", "o/out"], 2, ["good.jsonl", "permission"]),
        ("in", ["clean", "in", "-o", "o/out"], 2, ["in", "permission"]),
        ("o", ["clean", "in", "-o", "o/out"], 1, ["o/.out", "permission denied", "may write"]),
        ("in/good.jsonl", ["clean", "in", "-o", "o/out"], 3, []),
    ],
)
def test_what_may_not_be_read_or_written(closed: str, args: list[str], code: int, words: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="dedup-test-") as name:
        folder = Path(name)
        for path in (folder, folder / "in", folder / "o"):
            path.mkdir(exist_ok=True)
            path.chmod(0o777)
        (folder / "in/good.jsonl").write_text("\n".join(GOOD))
        (folder / "in/other.txt").write_text(ZH[0])
        mode = (folder / closed).stat().st_mode
        (folder / closed).chmod(0o555 if closed == "o" else 0)
        command = [sys.executable, "-c", UNPRIVILEGED, *args]
        try:
            environment = {**os.environ, "PYTHONPATH": str(REPO), "HOME": name}
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        finally:
            (folder / closed).chmod(mode)
        if code == 3:
            assert done.returncode == 3, done
            assert "good.jsonl" in done.stdout + done.stderr
        else:
            refused((done.returncode, done.stderr), code, *words)
            only(folder / "o")


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, of a given size."""
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr!r}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def big_input(folder: Path) -> None:
    """Some hundred kilobytes that no codec makes much smaller, half of them repeats."""
    draw = random.Random(1)
    texts = ["".join(chr(draw.randrange(0x4E00, 0x9FA0)) for _ in range(3000)) for _ in range(20)]
    (folder / "big.jsonl").write_text(
        "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts * 2)
    )


def test_a_disk_that_is_known_to_be_too_small(given: Path, run: Run) -> None:
    big_input(given / "in")
    with small_disk(given / "disk", "size=200k") as disk:
        refused(
            run("clean", given / "in", "-o", disk / "out"),
            1,
            disk / "out",
            "bytes are needed",
            "are free",
            "free some space",
        )
        only(disk)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("room", [0, 4, 60, 180, 300])
def test_a_disk_that_fills_up_during_the_run(given: Path, room: int, threads: int) -> None:
    big_input(given / "in")
    before = state(given / "in")
    with small_disk(given / "disk", "size=2m") as disk:

        def fill() -> None:
            free = shutil.disk_usage(disk).free
            (disk / "filler").write_bytes(bytes(free - room * 1024))

        with pytest.raises(DedupError, match="No space left on device.*Nothing was published.*Free some space"):
            clean_files([str(given / "in")], str(disk / "out"), threads=threads, progress=Meddler(fill))
        only(disk, "filler")
        (disk / "filler").unlink()
        clean_files([str(given / "in")], str(disk / "out"))
        assert list(check_out.problems(given / "in", disk / "out")) == []
    assert state(given / "in") == before


def test_a_disk_without_any_room(given: Path, run: Run) -> None:
    (given / "in/good.jsonl").write_bytes(b"")
    with small_disk(given / "disk", "size=100k") as disk:
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
        refused(run("clean", given / "in", "-o", disk / "out"), 1, disk, "no space left", "nothing was published")
        only(disk, "filler")


def test_all_is_on_the_disk_before_out_appears(given: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def recorded(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def renamed(path: Path, target: Path) -> Path:
        wanted = {str(path), *map(str, path.rglob("*"))}
        assert wanted <= set(synced), "OUT appears before all of it is on the disk"
        synced.clear()
        return rename(path, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("there is no /proc to tell what was synced")
    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(Path, "rename", renamed)
    clean_files([str(given / "in")], str(given / "out"))
    assert synced == [str(given)]


@pytest.mark.parametrize("inodes", range(3, 11))
def test_a_disk_without_room_for_another_file(given: Path, run: Run, inodes: int) -> None:
    with small_disk(given / "disk", f"size=2m,nr_inodes={inodes}") as disk:
        found = run("clean", given / "in", "-o", disk / "out")
        if found[0]:
            refused(found, 1, disk, "no space left", "nothing was published")
            only(disk)
        else:
            assert list(check_out.problems(given / "in", disk / "out")) == []


def test_files_that_may_not_grow(given: Path) -> None:
    big_input(given / "in")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    found = spawned("clean", given / "in", "-o", given / "out", preexec_fn=limit)
    refused((found.returncode, found.stderr), 1, given / "out", "too large", "nothing was published")
    only(given, "in")


KILLED = Path(__file__).with_name("killed.py")


def test_killed_at_each_step(given: Path) -> None:
    """`killed.py` runs a clean that dies at its n-th touch of the disk and looks at what is there; for all n with CI set."""
    (given / "in/a.csv").write_bytes(laid_out([*ZH, ZH[0]], ".csv"))
    (given / "in/b.parquet").write_bytes(laid_out([*EN, EN[0]], ".parquet"))
    (given / "in/c.txt.gz").write_bytes(packed("\n".join([*ZH, ZH[1]]).encode(), ".gz"))
    environment = {**os.environ, "DEDUP_KILL_STRIDE": "1" if os.environ.get("CI") else "4"}
    command = [sys.executable, KILLED, given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 20, done.stdout


def test_killed_at_any_moment(given: Path) -> None:
    big_input(given / "in")
    before = state(given / "in")
    began = time.monotonic()
    assert spawned("clean", given / "in", "-o", given / "wanted", "-q", "--threads", 2).returncode == 0
    duration = time.monotonic() - began
    wanted = {path: data for path, (data, *_) in state(given / "wanted").items()}
    for i in range(6):
        command = [
            sys.executable,
            "-m",
            "dedup",
            "clean",
            str(given / "in"),
            "-o",
            str(given / "out"),
            "-q",
            "--threads",
            "2",
        ]
        with subprocess.Popen(command, cwd=REPO, start_new_session=True) as process:
            time.sleep(duration * (i + 3) / 9)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert state(given / "in") == before
        if (given / "out").exists():
            assert {path: data for path, (data, *_) in state(given / "out").items()} == wanted
            shutil.rmtree(given / "out")
    assert spawned("clean", given / "in", "-o", given / "out", "-q").returncode == 0
    assert {path: data for path, (data, *_) in state(given / "out").items()} == wanted
    only(given, "in", "out", "wanted")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_by_a_signal(given: Path, sent: signal.Signals, code: int) -> None:
    os.mkfifo(given / "slow")
    command = [sys.executable, "-m", "dedup", "clean", "-", "-o", str(given / "out")]
    with subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write("a line\n" * (1 << 16))  # more than a pipe holds: it is at its input once this is through
        process.stdin.flush()
        process.send_signal(sent)
        _, said = process.communicate(timeout=20)
    assert process.returncode == code
    assert "nothing was published" in said.lower()
    only(given, "in", "slow")


def test_two_runs_on_one_out(given: Path, run: Run) -> None:
    held = given / ".out.dedup-stage"
    held.mkdir()
    script = "import fcntl, os, sys; lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); fcntl.flock(lock, fcntl.LOCK_EX); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(held / "LOCK")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        refused(run("clean", given / "in", "-o", given / "out"), 5, given / "out", "another run", "wait")
        assert run("clean", given / "in", "-o", given / "other", "-q")[0] == 0
        holder.kill()
    (held / "out").mkdir()
    (held / "out/leftover").write_text("half of a run that was killed")
    assert run("clean", given / "in", "-o", given / "out", "-q")[0] == 0
    assert not (given / "out/leftover").exists()
    only(given, "in", "out", "other")


def test_races_for_one_out(given: Path) -> None:
    command = [sys.executable, "-m", "dedup", "clean", str(given / "in"), "-o", str(given / "out"), "-q"]
    racers = [subprocess.Popen(command, cwd=REPO, stderr=subprocess.PIPE) for _ in range(3)]
    for racer in racers:
        racer.communicate(timeout=60)
    assert sorted(racer.returncode for racer in racers) == [0, 5, 5]
    assert list(check_out.problems(given / "in", given / "out")) == []
    only(given, "in", "out")


def test_overwrite_replaces_out_as_a_whole(given: Path, run: Run) -> None:
    assert run("clean", given / "in", "-o", given / "out", "-q")[0] == 0
    (given / "in/more.txt").write_text(ZH[0])
    (given / "in/good.jsonl").unlink()
    assert run("clean", given / "in", "-o", given / "out", "-q", "--overwrite")[0] == 0
    assert sorted(state(given / "out")) == [
        "dedup/manifest.json", "dedup/quarantine.jsonl", "dedup/removed.jsonl.zst", "dedup/report.json", "more.txt",
    ]  # fmt: skip
    refused(run("clean", given / "absent", "-o", given / "out", "--overwrite"), 2, "absent")
    assert (given / "out/more.txt").exists()
    only(given, "in", "out")
