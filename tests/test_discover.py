"""From INPUT arguments to sources: which files, in which order, under which names."""

from __future__ import annotations

import os
import socket
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import UsageError
from dedup.formats.discover import Discovery, _distinct, _key, discover
from dedup.model import Source


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to make files in, which is the working folder as well."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*paths: str) -> None:
    """Write files, each with its path as content, in the working folder."""
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path, encoding="utf-8", errors="surrogateescape")


def names(found: Discovery) -> list[str]:
    """The names of the sources in order."""
    return [source.name for source in found.sources]


def test_sources_carry_format_and_compression(tree: Path) -> None:
    make("in/a.txt", "in/b.md.gz", "in/c.jsonl.zst", "in/d.CSV", "in/e.tsv", "in/f.parquet")
    found = discover(["in"])
    assert found.skipped == ()
    assert found.sources == (
        Source(0, "in/a.txt", "a.txt", "text", "none"),
        Source(1, "in/b.md.gz", "b.md.gz", "markdown", "gzip"),
        Source(2, "in/c.jsonl.zst", "c.jsonl.zst", "jsonl", "zstd"),
        Source(3, "in/d.CSV", "d.CSV", "csv", "none"),
        Source(4, "in/e.tsv", "e.tsv", "tsv", "none"),
        Source(5, "in/f.parquet", "f.parquet", "parquet", "none"),
    )


def test_arguments_keep_their_order_and_folders_are_sorted_by_bytes(tree: Path) -> None:
    make("z/b.txt", "z/a/b.txt", "z/a.txt", "z/é.txt", "z/Z.txt", "z/中.txt", "z/😀.txt", "a.txt", "m/x.txt")
    assert names(discover(["z", "a.txt", "m"])) == [
        "z/Z.txt", "z/a.txt", "z/a/b.txt", "z/b.txt", "z/é.txt", "z/中.txt", "z/😀.txt", "a.txt", "m/x.txt"
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_order_does_not_depend_on_the_listing(tree: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    make(*(f"in/{a}/{b}.txt" for a in "cab" for b in "321"), "in/.hidden", "in/x.bin", "in/y.bin")
    plain = [discover(["in"]), discover(["in/*/*.txt"]), discover(["i*"])]

    class Shuffled:
        """A listing that comes in another order."""

        def __init__(self, path: str) -> None:
            with scandir(path) as entries:
                self.entries = sorted(entries, key=lambda entry: hash((seed, entry.name)))

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self.entries)

        def __exit__(self, *_: object) -> None:
            pass

        def close(self) -> None:
            pass

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Shuffled)
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listdir(path), key=lambda name: hash((seed, name))))
    assert [discover(["in"]), discover(["in/*/*.txt"]), discover(["i*"])] == plain


def test_one_folder_alone_has_names_inside_it(tree: Path) -> None:
    make("in/sub/a.txt", "b.txt")
    assert names(discover(["in"])) == names(discover([f"{tree}/in/"])) == ["sub/a.txt"]
    assert names(discover(["in", "b.txt"])) == ["in/sub/a.txt", "b.txt"]
    assert names(discover(["in/sub/a.txt"])) == ["a.txt"]
    os.chdir("in/sub")
    assert names(discover(["."])) == ["a.txt"]
    assert names(discover(["../..", "."])) == [f"{tree.name}/b.txt", f"{tree.name}/in/sub/a.txt"]
    assert names(discover([".", "../.."])) == ["sub/a.txt", f"{tree.name}/b.txt"]
    assert names(discover(["../../b.txt"])) == ["b.txt"]


def test_a_file_given_twice_is_read_once(tree: Path) -> None:
    make("in/a.txt", "in/b.txt")
    os.link("in/a.txt", "in/hard.txt")
    Path("soft.txt").symlink_to("in/a.txt")
    found = discover(["in/b.txt", "in", f"{tree}/in/../in/b.txt", "soft.txt"])
    assert [source.path for source in found.sources] == ["in/b.txt", "in/a.txt"]
    assert found.skipped == (
        ("in/b.txt", "the same file as in/b.txt, which is read already"),
        ("in/hard.txt", "the same file as in/a.txt, which is read already"),
        (f"{tree}/in/../in/b.txt", "the same file as in/b.txt, which is read already"),
        ("soft.txt", "the same file as in/a.txt, which is read already"),
    )


def test_what_is_skipped_in_folders_says_why(tree: Path) -> None:
    make("in/a.txt", "in/b.bin", "in/README", "in/.hidden.txt", "in/.git/x.txt", "in/d.parquet.gz", "other/x.txt")
    os.mkfifo("in/pipe.txt")
    Path("in/link.txt").symlink_to("a.txt")
    Path("in/loop").symlink_to("..")
    Path("in/dangling.txt").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("in/s.txt")
        found = discover(["in"])
    link = "a symbolic link; name it as an INPUT to follow it"
    assert names(found) == ["a.txt"]
    assert sorted(found.skipped) == [
        ("in/.git", "hidden"),
        ("in/.hidden.txt", "hidden"),
        ("in/README", "no ending tells its format"),
        ("in/b.bin", "the ending '.bin' is not one that is read"),
        ("in/d.parquet.gz", "Parquet inside gzip is not read"),
        ("in/dangling.txt", link),
        ("in/link.txt", link),
        ("in/loop", link),
        ("in/pipe.txt", "a named pipe"),
        ("in/s.txt", "a socket"),
    ]


def test_unreadable_files_and_folders_inside_are_skipped(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("in/a.txt", "in/b.txt", "in/locked/c.txt")
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "access", lambda path, _: not str(path).endswith("b.txt"))
    found = discover(["in"])
    assert names(found) == ["a.txt"]
    assert found.skipped == (
        ("in/locked", "cannot be read: Permission denied"),
        ("in/b.txt", "cannot be read: check its permissions"),
    )
    with pytest.raises(UsageError, match=r"in/locked: the folder cannot be read: Permission denied\. Check its perm"):
        discover(["in/locked"])


def test_links_given_by_name_are_followed(tree: Path) -> None:
    make("real/a.txt", "real.txt")
    Path("folder").symlink_to("real")
    Path("file.txt").symlink_to("real.txt")
    assert [(source.path, source.name) for source in discover(["folder", "file.txt"]).sources] == [
        ("folder/a.txt", "folder/a.txt"),
        ("file.txt", "file.txt"),
    ]


@pytest.mark.parametrize(
    ("given_input", "message"),
    [
        ("missing.txt", r"missing\.txt: there is no such file or folder\. Check the spelling"),
        ("*.csv", r"\*\.csv: no file matches this glob\. Check the spelling"),
        ("dangling.txt", r"dangling\.txt: the input cannot be reached: No such file.* broken link"),
        (
            "a.doc",
            r"a\.doc: the format cannot be told from the name\. Known endings: \.txt \.md .*--format \(text, mark",
        ),
        ("plain", r"plain: the format cannot be told from the name"),
        ("a.parquet.gz", r"a\.parquet\.gz: Parquet is not read from inside gzip\. Unpack"),
        (
            "pipe.txt",
            r"pipe\.txt: the input is a named pipe, which can be read only once\. Pipe it in, with - as INPUT",
        ),
        ("/dev/null", r"/dev/null: the input is a device"),
    ],
)
def test_inputs_that_are_refused(tree: Path, given_input: str, message: str) -> None:
    make("a.doc", "plain", "a.parquet.gz")
    os.mkfifo("pipe.txt")
    Path("dangling.txt").symlink_to("nowhere")
    with pytest.raises(UsageError, match=message):
        discover([given_input])


def test_no_input_and_unknown_format_are_refused(tree: Path) -> None:
    with pytest.raises(UsageError, match="no INPUT"):
        discover([])
    with pytest.raises(UsageError, match=r"no format 'xml'\. Known: text, markdown"):
        discover(["."], "xml")


def test_unreadable_input_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.txt")

    def refuse(path: str, _: int) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(
        UsageError, match=r"a\.txt: the input cannot be read: Permission denied\. Check its permissions"
    ):
        discover(["a.txt"])


def test_format_given(tree: Path) -> None:
    make("in/part-0", "in/a.jsonl", "in/notes.md", "in/b.gz", "x.json", "y.txt")
    found = discover(["in", "x.json", "y.txt"], "jsonl")
    assert [(source.name, source.format, source.compression) for source in found.sources] == [
        ("in/a.jsonl", "jsonl", "none"),
        ("in/b.gz", "jsonl", "gzip"),
        ("in/part-0", "jsonl", "none"),
        ("x.json", "jsonl", "none"),
        ("y.txt", "jsonl", "none"),
    ]
    assert found.skipped == (("in/notes.md", "its ending says markdown, not jsonl"),)


def test_stdin(tree: Path) -> None:
    assert discover(["-", "-"]).sources == (Source(0, "-", "stdin.jsonl", "jsonl", "none"),)
    assert discover(["-"], "markdown").sources == (Source(0, "-", "stdin.md", "markdown", "none"),)
    make("stdin.jsonl")
    assert len(set(names(discover(["-", "stdin.jsonl"])))) == 2


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.txt", ["a.txt", "b.txt"]),
        ("in/[b-z].txt", ["b.txt"]),
        ("in/?.*", ["a.txt", "b.txt"]),
        ("in/**/*.txt", ["a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt"]),
        ("in/**", ["a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt"]),
        ("in/s*", ["sub/c.txt", "sub/deep/d.txt"]),
        ("*/sub/*.txt", ["in/sub/c.txt"]),
        ("in/.h*", [".h.txt"]),
    ],
)
def test_globs(tree: Path, pattern: str, expected: list[str]) -> None:
    make("in/b.txt", "in/a.txt", "in/sub/c.txt", "in/sub/deep/d.txt", "in/.h.txt", "in/sub/.h/e.txt")
    Path("in/sub/loop").symlink_to("..")
    assert names(discover([pattern])) == expected


def test_a_file_whose_name_looks_like_a_glob(tree: Path) -> None:
    make("[a].txt", "a.txt")
    assert names(discover(["[a].txt"])) == ["[a].txt"]


def test_colliding_names_are_told_apart(tree: Path) -> None:
    nfc, nfd = (unicodedata.normalize(form, "é.txt") for form in ("NFC", "NFD"))
    make("a/x.txt.gz", "b/x.txt.gz", "c/README.txt", "d/readme.txt", f"e/{nfc}", f"f/{nfd}", "g/only.txt")
    given_inputs = ["a/x.txt.gz", "b/x.txt.gz", "c/README.txt", "d/readme.txt", f"e/{nfc}", f"f/{nfd}", "g/only.txt"]
    found = names(discover(given_inputs))
    assert len({_key(name) for name in found}) == len(found)
    assert found[-1] == "only.txt"
    for name, stem, ending in zip(
        found, ["x", "x", "README", "readme", nfc[:1], nfd[:2]], [".txt.gz"] * 2 + [".txt"] * 4, strict=False
    ):
        assert name.startswith(f"{stem}~")
        assert name.endswith(ending)
        assert len(name) == len(stem) + 9 + len(ending)
    assert names(discover(given_inputs[::-1])) == found[::-1]


def test_a_name_is_never_the_folder_of_another(tree: Path) -> None:
    make("p/a.txt", "q/a.txt/b.txt")
    found = names(discover(["p/a.txt", "q/a.txt"]))
    assert found[0].startswith("a~")
    assert found[1] == "a.txt/b.txt"


@pytest.mark.parametrize("folder", ["dedup", "Dedup", "DEDUP"])
def test_the_folder_of_the_log_is_reserved(tree: Path, folder: str) -> None:
    make(f"in/{folder}/a.txt", f"in/{folder}/b.txt", "in/dedup.txt", "in/sub/dedup/c.txt")
    found = names(discover(["in"]))
    inside = [name for name in found if name.endswith(("/a.txt", "/b.txt"))]
    assert all(name.startswith(f"{folder}~") and len(name) == len(folder) + 15 for name in inside)
    assert len({name.partition("/")[0] for name in inside}) == 1
    assert {"dedup.txt", "sub/dedup/c.txt"} <= set(found)
    Path(folder).write_text("x")
    assert names(discover([folder], "text"))[0].startswith(f"{folder}~")


def test_names_that_are_not_utf8_or_strange(tree: Path) -> None:
    strange = [os.fsdecode(b"\xff\xfe.txt"), "a\nb.txt", "\x1b[31m.txt", "-rf.txt", " .txt", "x" * 251 + ".txt"]
    make(*(f"in/{name}" for name in strange))
    assert sorted(names(discover(["in"]))) == sorted(strange)
    make("other/" + strange[-1])
    first, second = names(discover([f"in/{strange[-1]}", f"other/{strange[-1]}"]))
    assert first != second
    assert len(first) == len(second) == 255


pieces = st.sampled_from(["a", "A", "dedup", "DEDUP", "é", "e\u0301", "x.txt", "X.TXT", "ß", "SS", "a~0", "\udcff"])


@given(paths=st.lists(st.lists(pieces, min_size=1, max_size=3).map("/".join), max_size=12))
def test_names_are_always_distinct(paths: list[str]) -> None:
    found = _distinct([(f"{i}/{path}", path) for i, path in enumerate(paths)])
    keys = [_key(name) for name in found]
    assert len(set(keys)) == len(keys)
    for key in keys:
        parts = key.split("/")
        assert parts[0] != "dedup"
        assert not any("/".join(parts[:i]) in keys for i in range(1, len(parts)))


def test_many_files_and_deep_folders(tree: Path) -> None:
    Path("in").mkdir()
    for i in range(3000):
        Path(f"in/{i}.txt").touch()
    deep = "/".join(["d"] * 300)
    Path("in", deep).mkdir(parents=True)
    Path("in/" + deep + "/end.txt").touch()
    found = discover(["in"])
    assert len(found.sources) == 3001
    assert names(found)[-1] == deep + "/end.txt"


def test_what_a_glob_matches_and_cannot_be_read_is_skipped(tree: Path) -> None:
    make("in/a.txt", "in/b.bin")
    os.mkfifo("in/pipe.txt")
    Path("in/dangling.txt").symlink_to("nowhere")
    Path("in/link.txt").symlink_to("../in/a.txt")
    found = discover(["in/*"])
    assert names(found) == ["a.txt"]
    assert found.skipped == (
        ("in/b.bin", "the ending '.bin' is not one that is read"),
        ("in/dangling.txt", "cannot be read: No such file or directory"),
        ("in/link.txt", "the same file as in/a.txt, which is read already"),
        ("in/pipe.txt", "a named pipe"),
    )
