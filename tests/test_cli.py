"""The commands from outside: what goes to which stream, and how they end."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import dedup.files
from dedup.cli import main
from dedup.config import Config, Matching, preset
from dedup.errors import ConfigError, DedupError, IntegrityError, OutputExistsError, UsageError
from dedup.terminal.ending import Terminated, ending
from dedup.terminal.options import config_of

ROOT = Path(__file__).resolve().parents[1]
NEWS = ROOT / "examples" / "news"
TWICE = "The ferry between the quay and the steps sails every day but on the last Sunday of the year.\n"
COMMANDS = ("scan", "clean", "restore", "diff", "curve", "tune")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "FORCE_COLOR", "DEDUP_DEBUG", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an input that repeats one paragraph."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/a.txt").write_text(
        TWICE + "One line that stands nowhere else in these two files, whatever it says.\n", "utf-8"
    )
    Path("in/b.txt").write_text(
        "Another line that stands nowhere else, and is a good deal longer than the first.\n" + TWICE, "utf-8"
    )
    return tmp_path


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(args), input=stdin, prog_name="dedup")


def program(*args: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "dedup", *args], capture_output=True, check=False, env=environment(), **more
    )


def environment() -> dict[str, str]:
    """So that the package that is tested here is the one that a program finds."""
    package = str(Path(dedup.files.__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))}


def tree(where: str | Path) -> dict[str, bytes]:
    base = Path(where)
    return {str(path.relative_to(base)): path.read_bytes() for path in base.rglob("*") if path.is_file()}


# Help


def test_help_is_the_same_however_it_is_started() -> None:
    inside = run("--help").stdout
    outside = program("--help").stdout.decode()
    launched = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "--help"], capture_output=True, check=True, env=environment()
    )
    assert outside == launched.stdout.decode()
    assert outside.split() == inside.split()
    assert all(re.search(rf"^  {command} ", inside, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = run(command, "-h")
    assert result.exit_code == 0
    assert f"    dedup {command}" in result.stdout
    assert result.stdout == run(command, "--help").stdout


def test_the_defaults_in_the_help_are_those_of_the_configuration() -> None:
    config, text = Config(), " ".join(run("scan", "--help").stdout.split())
    assert config_of({"grain": "auto", "k": None, "seed": 1}) == config
    assert f"Tokens in a shingle. [{config.k}]" in text
    assert (config.document.threshold, config.paragraph.threshold, config.sentence.threshold) == (0.45, 0.85, 0.85)
    assert "[document=.45, else .85]" in text
    assert (config.document.bands, config.document.rows, config.paragraph.bands, config.paragraph.rows) == (
        40,
        3,
        20,
        3,
    )
    assert "[document=40x3, else 20x3]" in text
    assert (config.document.measure, config.paragraph.measure) == ("jaccard", "edit")
    assert f"Never cut a paragraph shorter than this. [default: {config.min_tokens}]" in text
    assert f"[default: {config.min_left_share:.0%},{config.min_left_tokens}]" in text
    for default in (config.cut, config.boilerplate, config.host_from):
        assert f"[default: {default}]" in text


def test_version() -> None:
    assert re.fullmatch(r"dedup \d+\.\d+\.\d+, (native|portable) kernels, Python 3\.\S+\n", run("--version").stdout)


# Options


def settings_of(monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """What the command hands on to `dedup.files`."""
    seen: dict[str, Any] = {}

    def scan_files(inputs: list[str], config: Config, **rest: Any) -> None:
        seen.update(inputs=inputs, config=config, **rest)
        raise UsageError("enough")

    monkeypatch.setattr(dedup.files, "scan_files", scan_files)
    result = run("scan", "in", *options)
    assert "enough" in result.stderr, result.output
    return seen


def test_a_preset_is_taken_and_options_beside_it_go_before(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = preset("noisy")
    assert noisy != Config()
    assert settings_of(monkeypatch, "--preset", "noisy")["config"] == noisy
    seen = settings_of(monkeypatch, "--preset", "noisy", "-k", "4", "--threshold", "document=.7", "--grain", "document")
    document = replace(noisy.document, threshold=0.7)
    assert seen["config"] == replace(noisy, k=4, grain="document", document=document)
    assert "'loud' is not" in run("scan", "in", "--preset", "loud").stderr
    with pytest.raises(ConfigError, match="no preset 'loud'; they are noisy"):
        preset("loud")


def test_options_make_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = settings_of(
        monkeypatch,
        "--grain",
        "sentence",
        "-k",
        "5",
        "--seed",
        "9",
        "--numbers",
        "ignore",
        "--scope",
        "corpus",
        "--min-tokens",
        "7",
        "--cut",
        "clause",
        "--boilerplate",
        "keep-first",
        "--host-from",
        "folder",
        "--min-left",
        "5%,3",
        "--keep",
        "prefer=b.txt, a.txt",
        "--bands",
        "24x4",
        "--bands",
        "document=8×2",
        "--measure",
        "document=containment",
        "--threshold",
        "document=70%",
        "--threshold",
        ".9",
    )
    edit = Matching(bands=24, rows=4, measure="edit", threshold=0.9)
    assert seen["config"] == Config(
        grain="sentence",
        k=5,
        seed=9,
        numbers="ignore",
        scope="corpus",
        min_tokens=7,
        cut="clause",
        boilerplate="keep-first",
        host_from="folder",
        min_left_share=0.05,
        min_left_tokens=3,
        keep="prefer",
        prefer=("b.txt", "a.txt"),
        paragraph=edit,
        sentence=edit,
        document=Matching(bands=8, rows=2, measure="containment", threshold=0.7),
    )


def test_options_say_how_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = settings_of(
        monkeypatch,
        "--text-field",
        "title",
        "--text-field",
        "body",
        "--id-field",
        "i",
        "--url-field",
        "u",
        "--host-field",
        "h",
        "--date-field",
        "d",
        "--source-field",
        "s",
        "--format",
        "csv",
        "--threads",
        "3",
        "--top",
        "7",
    )
    fields = seen["fields"]
    assert (fields.text, fields.id, fields.url, fields.host, fields.date, fields.source) == (
        ("title", "body"),
        "i",
        "u",
        "h",
        "d",
        "s",
    )
    assert (seen["format"], seen["threads"], seen["top"], seen["inputs"]) == ("csv", 3, 7, ["in"])


def test_without_options_the_configuration_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = settings_of(monkeypatch)
    assert seen["config"] == Config()
    assert 1 <= seen["threads"] <= 8


@pytest.mark.parametrize(
    "options",
    [
        ("--threshold", "page=.5"),
        ("--threshold", "high"),
        ("--threshold", "1.5"),
        ("--threshold", "0"),
        ("--measure", "cosine"),
        ("--bands", "16"),
        ("--bands", "0x4"),
        ("--bands", "9999x9999"),
        ("--keep", "last"),
        ("--keep", "prefer"),
        ("--keep", "prefer="),
        ("--keep", "first=a"),
        ("--min-left", "20"),
        ("--min-left", "20%"),
        ("--min-left", "a%,b"),
        ("-k", "0"),
        ("-k", "64"),
        ("--seed", "-1"),
        ("--threads", "0"),
        ("--format", "html"),
        ("--no-such-option",),
        ("--grain", "page"),
        ("--top", "-1"),
    ],
)
def test_bad_options_are_usage(options: tuple[str, ...], folder: Path) -> None:
    result = run("scan", "in", *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "args",
    [
        ("scan",),
        ("scan", "nowhere"),
        ("scan", "no*such"),
        ("clean", "in"),
        ("clean", "in", "-o", "out", "--log", "log"),
        ("clean", "in", "-o", "-", "--json"),
        ("clean", "in", "-o", "-"),
        ("clean", "in", "-o", "in/out"),
        ("clean", "in", "-o", "no/out"),
        ("restore",),
        ("restore", "in"),
        ("diff", "in/a.txt"),
        ("diff", "-", "-"),
        ("nothing",),
    ],
)
def test_bad_calls_are_usage_and_change_nothing(args: tuple[str, ...], folder: Path) -> None:
    before = tree(folder)
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("error: ")
    assert tree(folder) == before


# Scan


def test_scan_reports_to_stdout_and_writes_nothing(folder: Path) -> None:
    before = tree(folder)
    result = run("scan", "in")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 paragraph would be cut." in result.stdout
    assert "dedup clean in -o cleaned" in result.stdout
    assert tree(folder) == before


def test_the_next_command_does_not_name_a_folder_that_is_there(folder: Path) -> None:
    Path("cleaned").mkdir()
    assert "dedup clean in -o cleaned-2" in run("scan", "in").stdout


def test_json_is_one_document_and_nothing_else(folder: Path) -> None:
    result = run("scan", "in", "--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert report["schema"] == "dedup.report/1"
    assert next(iter(report)) == "schema"
    keys = {
        "documents",
        "text_bytes",
        "dropped",
        "cut",
        "removed_bytes",
        "removed_share",
        "clusters",
        "largest",
        "sources",
        "shown",
        "kept_for_numbers",
        "bad_records",
        "invalid_utf8",
        "skipped_pairs",
        "passes",
        "settled",
        "notes",
        "config",
        "digest",
    }
    assert keys <= set(report)
    assert (report["documents"], report["dropped"], report["cut"]) == (2, 0, 1)
    assert report["largest"][0]["members"][0]["place"]["source"] == "b.txt"


def test_quiet_says_nothing(folder: Path) -> None:
    for args in (
        ("scan", "in"),
        ("clean", "in", "-o", "out"),
        ("restore", "out", "-o", "back"),
        ("diff", "in/a.txt", "in/b.txt"),
        ("curve",),
    ):
        result = run(*args, "-q")
        assert (result.exit_code, result.output) == (0, "")


def test_scan_of_stdin() -> None:
    lines = "".join(json.dumps({"id": str(i), "text": TWICE}) + "\n" for i in range(2))
    result = run("scan", "-", "--json", stdin=lines)
    assert json.loads(result.stdout)["dropped"] == 1


# Clean and restore


def test_clean_and_restore(folder: Path) -> None:
    before = tree("in")
    cleaned = run("clean", "in", "-o", "out")
    assert (cleaned.exit_code, cleaned.stderr) == (0, "")
    assert "records 2 read = 2 kept + 0 removed" in cleaned.stdout
    assert "dedup restore out -o back" in cleaned.stdout
    assert TWICE not in Path("out/b.txt").read_text("utf-8")
    assert tree("in") == before
    back = run("restore", "out", "-o", "back")
    assert (back.exit_code, back.stderr) == (0, "")
    assert "Every file is as it was" in back.stdout
    assert tree("back") == before


def test_json_of_clean_and_restore(folder: Path) -> None:
    plain = json.loads(run("clean", "in", "-o", "out", "--json").stdout)
    assert (plain["schema"], plain["report"]["schema"], plain["out"], plain["dry_run"]) == (
        "dedup.clean/1",
        "dedup.report/1",
        "out",
        False,
    )
    accounts = plain["accounting"]
    for unit in ("records", "bytes"):
        assert accounts[f"{unit}_in"] == sum(accounts[f"{unit}_{part}"] for part in ("kept", "removed", "quarantined"))
    plain = json.loads(run("restore", "out", "-o", "back", "--json").stdout)
    assert plain["schema"] == "dedup.restore/1"
    assert (plain["sources"], plain["records"], plain["problems"]) == (2, 2, [])


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    before = tree(folder)
    for args in (("-n",), ("--dry-run", "-o", "out")):
        result = run("clean", "in", *args)
        assert result.exit_code == 0
        assert "1 paragraph would be cut." in result.stdout
        assert "Nothing was written" in result.stdout
    assert tree(folder) == before


def test_what_is_there_is_not_overwritten_unless_told_to(folder: Path) -> None:
    run("clean", "in", "-o", "out")
    before = tree(folder)
    for args in (("clean", "in", "-o", "out"), ("restore", "out", "-o", "in")):
        result = run(*args)
        assert (result.exit_code, result.stdout) == (5, ""), result.output
        assert "--overwrite" in result.stderr
    assert tree(folder) == before
    assert run("clean", "in", "-o", "out", "--overwrite").exit_code == 0


def test_clean_to_stdout_keeps_data_and_talk_apart(folder: Path) -> None:
    lines = [json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate((TWICE, "something else", TWICE))]
    result = run("clean", "-", "-o", "-", "--log", "log", stdin="".join(lines))
    assert result.exit_code == 0
    assert result.stdout == lines[0] + lines[1]
    assert "1 of 3 documents were dropped." in result.stderr
    assert Path("log").is_dir()
    assert any(name.endswith("removed.jsonl.zst") for name in tree("log"))


def test_bad_records_end_in_three(folder: Path) -> None:
    good = json.dumps({"text": TWICE}) + "\n"
    Path("x.jsonl").write_text(good + "{broken\n" + good, "utf-8")
    scanned = run("scan", "x.jsonl")
    assert scanned.exit_code == 3
    assert "1 record could not be read" in scanned.stdout
    assert run("clean", "x.jsonl", "-o", "kept").exit_code == 3
    assert "{broken" in Path("kept/x.jsonl").read_text("utf-8")
    assert run("clean", "x.jsonl", "-o", "apart", "--bad-records", "quarantine").exit_code == 3
    assert "{broken" not in Path("apart/x.jsonl").read_text("utf-8")
    failed = run("clean", "x.jsonl", "-o", "none", "--bad-records", "fail")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert not Path("none").exists()


# Diff and curve


def test_diff(folder: Path) -> None:
    Path("a").write_text("The mooring fee is 420 crowns a year, said the council of the town.", "utf-8")
    Path("b").write_text("The mooring fee is 380 crowns a year, said the council of the town.", "utf-8")
    result = run("diff", "a", "b")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "is [-420-] {+380+} crowns" in result.stdout
    assert "They match as paragraphs" in result.stdout
    assert "A number differs" in result.stdout
    assert "[-420-]" in run("diff", "a", "-", stdin=Path("b").read_bytes()).stdout
    plain = json.loads(run("diff", "a", "b", "--json").stdout)
    assert plain["schema"] == "dedup.comparison/1"
    assert (plain["match"], plain["numbers_differ"]) == (True, True)
    assert "do not match" in run("diff", "a", "b", "--threshold", ".99").stdout


def test_diff_of_what_is_equal_once_folded(folder: Path) -> None:
    Path("a").write_text("水庫(kù)，，放水。", "utf-8")
    Path("b").write_text("水库放水", "utf-8")
    assert "Nothing differs but script" in run("diff", "a", "b").stdout


def test_curve() -> None:
    result = run("curve", "--bands", "paragraph=24x4", "-k", "5", "--tokens", "80")
    assert "24 bands × 4 rows" in result.stdout
    assert "of a text of 80 tokens" in result.stdout
    assert json.loads(run("curve", "--json").stdout)["schema"] == "dedup.curve/1"


# Endings


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DedupError("It failed."), 1, "error: It failed."),
        (IntegrityError("It does not hold."), 1, "error: It does not hold."),
        (UsageError("Not like this."), 2, "error: Not like this."),
        (OutputExistsError("It is there."), 5, "error: It is there."),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x/y"),
            1,
            "error: /x/y: No space left on device. Free some space",
        ),
        (
            OSError(errno.EACCES, os.strerror(errno.EACCES), b"/x/\xff"),
            1,
            "error: /x/\udcff: Permission denied. Check the permissions",
        ),
        (OSError("odd"), 1, "error: odd."),
        (MemoryError(), 1, "error: these inputs need more memory"),
        (
            ZeroDivisionError("by zero"),
            1,
            "error: a fault of dedup itself: ZeroDivisionError: by zero. Set DEDUP_DEBUG=1",
        ),
        (KeyboardInterrupt(), 130, "Stopped."),
        (Terminated(), 143, "Terminated."),
    ],
)
def test_endings(error: BaseException, code: int, said: str) -> None:
    found, message = ending(error)
    assert found == code
    assert message.startswith(said)


def test_other_endings_are_not_ours() -> None:
    with pytest.raises(GeneratorExit):
        ending(GeneratorExit())


def test_faults_have_a_traceback_only_when_asked_for(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def scan_files(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by \x1b zero")

    monkeypatch.setattr(dedup.files, "scan_files", scan_files)
    result = run("scan", "in")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    assert "by ␛ zero" in result.stderr
    monkeypatch.setenv("DEDUP_DEBUG", "1")
    assert isinstance(run("scan", "in").exception, ZeroDivisionError)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_publish_nothing(number: signal.Signals, code: int, folder: Path) -> None:
    before = tree(folder)
    command = [sys.executable, "-m", "dedup", "clean", "-", "-o", "out"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdin is not None
        process.stdin.write(
            b'{"text": "' + b"x" * 3_000_000
        )  # returns when most of it was read: the command is at work
        process.stdin.flush()
        time.sleep(0.2)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, b""), err
    assert b"Nothing was published." in err
    assert b"Traceback" not in err
    assert tree(folder) == before


def test_a_reader_who_has_enough_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m dedup scan {NEWS} | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, env=environment())
    assert done.stdout.decode().split("\n")[0].endswith("0")
    assert done.stderr == b""


# What reaches the terminal


def is_harmful(text: str) -> bool:
    return bool(
        re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\udc80-\udcff\U000e0000-\U000e007f]",
            text,
        )
    )


def test_hostile_names_and_texts_come_out_harmless(folder: Path) -> None:
    evil = "\x1b]0;x\x07\x9b2J\u202e\u200b\U000e0041[bold]"
    Path("in", f"{evil}.txt").write_text(
        TWICE + evil + " and so on, for as long as it takes to make a paragraph of this line\n", "utf-8"
    )
    Path("in", f"{evil}2.txt").write_text(
        evil + " and so on, for as long as it takes to make a paragraph of that line\n", "utf-8"
    )
    Path("in", f"{evil}.odd").write_text(evil, "utf-8")
    odd = os.fsdecode(b"in/\xff\x1b[2J.txt")
    Path(odd).write_text(TWICE, "utf-8")
    record = {"id": evil, "text": TWICE, "url": evil}
    Path("in/x.jsonl").write_text(
        json.dumps(record, ensure_ascii=False) + "\n" + json.dumps(record) + "\n" + evil + "\n", "utf-8"
    )
    calls = [
        ("scan", "in", "--top", "99"),
        ("scan", "in", "--json"),
        ("clean", "in", "-o", f"out{evil}"),
        ("clean", "in", "-o", f"out{evil}"),
        ("restore", f"out{evil}", "-o", f"back{evil}"),
        ("scan", evil),
        ("scan", f"--{evil}"),
        ("scan", "in", "--grain", evil),
        (evil,),
        ("scan", "in", "--keep", evil),
        ("scan", "in", "--threshold", f"{evil}=1"),
        ("scan", "in/x.jsonl", "--text-field", evil),
        ("diff", f"in/{evil}.txt", f"in/{evil}2.txt"),
        ("diff", f"in/{evil}.txt", evil),
        ("diff", f"in/{evil}.txt", odd, "--json"),
    ]
    for call in calls:
        result = run(*call)
        assert not is_harmful(result.output), (call, result.output)
        assert result.output
        assert not isinstance(result.exception, UnicodeError)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_only_our_own_sequences_appear(folder: Path) -> None:
    import pty

    evil = "\x1b]0;x\x07\x1b[5m\x9b2J"
    Path("in/c.txt").write_text(TWICE + evil + "\n", "utf-8")
    Path("in", f"{evil}.txt").write_text(TWICE, "utf-8")
    ours, theirs = pty.openpty()
    variables = {**environment(), "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", "dedup", "scan", "in"], stdout=theirs, stderr=theirs, env=variables
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[(?:\?25[lh]|[0-9;]*m|2K|1A)|\r", "", shown.decode())
    assert "\x1b[1m" in shown.decode()
    assert not is_harmful(text), text


# The documents


def read_me() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def test_the_screen_in_the_readme_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.search(r"^```console\n\$ dedup (.*?)\n(.*?)^```", read_me(), re.MULTILINE | re.DOTALL)
    assert shown is not None
    real = run(*shown[1].split()).stdout
    note = re.compile(r"  • the compiled core is not installed.*\n")  # true of some machines alone
    last = re.compile(r"\nTo write a copy.*\Z", re.DOTALL)  # depends on how the test was started, and on what is there
    wanted, found = (
        last.sub("", note.sub("", page)).rstrip().removesuffix("Notes").rstrip() for page in (shown[2], real)
    )
    assert found == wanted


def test_the_python_in_the_readme_runs(folder: Path) -> None:
    Path("examples").symlink_to(ROOT / "examples")
    for code in re.findall(r"^```python\n(.*?)^```", read_me(), re.MULTILINE | re.DOTALL):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=environment())
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_readme_has_its_two_commands() -> None:
    commands = re.findall(r"^<!-- run: (\w+) -->\n```sh\n(.*?)\n```$", read_me(), re.MULTILINE | re.DOTALL)
    assert [name for name, _ in commands] == ["try", "test"]
    assert all("\n" not in command for _, command in commands)


def test_the_examples_page_names_every_example() -> None:
    page = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert {name for name in tree(NEWS) if f"`{name}`" not in page} == set()


def test_a_second_clean_of_the_examples_finds_nothing(folder: Path) -> None:
    assert run("clean", str(NEWS), "-o", "once", "-q").exit_code == 0
    again = run("clean", "once", "-o", "twice")
    assert "Nothing repeats." in again.stdout
    cleaned = {name: raw for name, raw in tree("once").items() if not name.startswith("dedup/")}
    assert {name: raw for name, raw in tree("twice").items() if not name.startswith("dedup/")} == cleaned
