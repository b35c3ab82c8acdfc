"""Nothing from data or file names reaches a terminal as it is; pages fit their width, with colour and without."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dedup.align import differences
from dedup.api import compare
from dedup.config import Config
from dedup.model import Phrase, SiteText
from dedup.stages.report import Cluster, Member, Place, Report, SourceReport
from dedup.terminal.bars import Bars
from dedup.terminal.console import (
    clip,
    clip_middle,
    has_colour,
    make_console,
    neutral,
    neutral_json,
    neutral_line,
    size,
    squeeze,
    wrap,
)
from dedup.terminal.contrast import excerpt, marked, with_differences
from dedup.terminal.page import counted, percent
from dedup.terminal.progress import progress_bars
from dedup.terminal.screen import print_accounting, print_comparison, print_next, print_report, print_restored

PAYLOADS = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP$q\x1b\\",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\x9d0;x\x9c",
    "bell\x07",
    "back\x08space",
    "return\rover",
    "\x00",
    "\x7f",
    "\x85",
    "a\x0bb\x0c",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "\u200f\u200e",
    "zero\u200bwidth\u200c\u200d\ufeff",
    "soft\xadhyphen",
    "\u2028line\u2029",
    "\U000e0041\U000e007f",
    "\U000e0100",
    "\udc80\ud800",
    "\ufffe\uffff",
    "\u180e\u061c\u2060\u3164",
    "[bold]x[/bold]",
    "[/nope]",
    "[link=http://x]y[/link]",
    ":boom:",
    "%s%n{0}",
]
OWN = re.compile(r"\x1b\[[0-9;]*m")
"""The only sequences that a page has of itself: colours."""


def is_harmful(character: str) -> bool:
    """Written from the Unicode categories, not from the neutraliser's own table."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp", "Cf") and character not in "\n\t"


def draw(width: int, *, colour: bool = False, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    raw = io.BytesIO()
    console = make_console(io.TextIOWrapper(raw, encoding=encoding, write_through=True))
    console.size = (width, 25)  # type: ignore[assignment]
    if colour:
        console._force_terminal, console._color_system = True, console._color_system or _standard()
    return console, raw


def _standard() -> object:
    from rich.color import ColorSystem

    return ColorSystem.STANDARD


def place(text: str, name: str = "a.txt", doc_id: str | None = None) -> Place:
    return Place(name, 3, doc_id, 10, 10 + len(text.encode("utf-8", "replace")), text)


def a_report(
    text: str = "第一句话说了一遍。", other: str = "第二句话说了一遍。", name: str = "a.txt", **changes: object
) -> Report:
    near = Member(place(other, name, doc_id=name), 0.9, "edit", "cut", "near")
    exact = Member(place(text, name), 1.0, "edit", "cut", "exact")
    left = Member(place(text, name), 0.95, "left", "drop", "left")
    reasons = ("numbers differ", "another document", "spliced", "contained", "says more")
    shown = tuple((place(text, name), Member(place(other, name), 0.9, "edit", "keep", reason)) for reason in reasons)
    said = tuple(
        Member(place(text, name), 1.0, "edit", "cut", reason) for reason in ("repeated", "contained", "loop", "label")
    )
    values: dict[str, object] = {
        "config": Config().as_dict(),
        "digest": "0" * 16,
        "documents": 4,
        "text_bytes": 1000,
        "segments": 9,
        "dropped": 1,
        "cut": 2,
        "removed_bytes": 300,
        "clusters": 2,
        "largest": (
            Cluster(1, "paragraph", place(text, name), (exact, near, left), 9, 300, 2, 2),
            Cluster(2, "sentence", place(text, name), said[:2], 3, 60, 1, 0),
            Cluster(3, "passage", replace(place(text, name), line=7), said[2:3], 2, 30, 1, 0),
            Cluster(4, "paragraph", place(text, name), said[3:], 2, 9, 1, 0),
        ),
        "sources": (
            SourceReport(name, 3, 900, 1, 2, 299),
            SourceReport("b", 1, 100, 0, 0, 1),
            SourceReport("c", 1, 100, 0, 0, 0),
        ),
        "kept_for_numbers": 3,
        "kept_apart": 1,
        "kept_for_more": 1,
        "spliced": 2,
        "contained": 1,
        "near_misses": 1,
        "kinds": {"duplicate": 3, "repeat": 3, "loop": 1, "boilerplate": 40},
        "boilerplate": (
            SiteText(f"host-of-{name}", text, 30, 0.6, False),
            SiteText(f"host-of-{name}", f"编辑：□ {other}", 29, 0.58, True),
            SiteText("", text, 3, 1.0, False),
        ),
        "phrases": (Phrase(text, 12, 20), *(Phrase(other, 3, 4),) * 6),
        "shown": shown,
        "bad_records": 2,
        "invalid_utf8": 1,
        "candidates": 5,
        "skipped_pairs": 7,
        "skipped_places": 8,
        "taken_back": 0,
        "passes": 5,
        "settled": False,
        "notes": (name,),
    }
    return Report(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_come_out_harmless(payload: str) -> None:
    assert not any(map(is_harmful, neutral(payload)))


@given(st.text(st.characters()))
def test_what_is_harmless_stays_and_what_is_not_goes(text: str) -> None:
    result = neutral(text)
    assert not any(map(is_harmful, result))
    if not any(map(is_harmful, text)) and not re.search(
        "[\u034f\u115f\u1160\u17b4-\u17b5\u180b-\u180f\u2065\u3164\uffa0\ufff0-\uffff]", text
    ):
        assert result == text or any(0xE0000 <= ord(c) <= 0xE0FFF for c in text)


def test_pictures_say_what_was_there() -> None:
    assert neutral("\x1b[2J\x7f\x9b\u202e\ud800\U000e0041\n\t") == "␛[2J␡<U+009B><U+202E><U+D800><U+E0041>\n\t"
    assert neutral_line("a\nb\tc") == "a␊b␉c"
    assert squeeze("a\n\n b\x1b\t c ") == "a b␛ c"


@given(st.recursive(st.text(st.characters()), lambda inner: st.lists(inner, max_size=3)))
def test_json_keeps_its_values(value: object) -> None:
    written = neutral_json(json.dumps(value, ensure_ascii=False))
    assert not any(map(is_harmful, written))
    assert json.loads(written) == json.loads(json.dumps(value))


@given(st.text(max_size=60), st.integers(2, 30))
def test_clipped_text_fits(text: str, width: int) -> None:
    text = squeeze(text)
    assert cell_len(clip(text, width)) <= width
    assert cell_len(clip_middle(text, width)) <= width
    if cell_len(text) <= width and len(text) <= 4 * width:
        assert clip(text, width) == clip_middle(text, width) == text


def test_a_tower_of_accents_is_cut_too() -> None:
    assert len(clip("a" + "\u0301" * 100_000, 20)) <= 81


@given(
    st.text(st.one_of(st.sampled_from("山水， 。“”ab c(]"), st.characters(exclude_categories=["Cs"])), max_size=80),
    st.integers(4, 40),
)
def test_wrapped_lines_fit_and_lose_nothing_but_space(text: str, width: int) -> None:
    text = squeeze(text)
    lines = [line.plain for line in wrap(Text(text), width)]
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_lines_do_not_begin_with_a_closing_mark() -> None:
    lines = [line.plain for line in wrap(Text("东汀区、南汀（西汀区）"), 7)]
    assert lines == ["东汀", "区、南", "汀（西", "汀区）"]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_report_of_payloads_is_harmless_and_fits(payload: str, width: int, colour: bool) -> None:
    console, raw = draw(width, colour=colour)
    print_report(a_report(payload * 9, payload + "x", payload + ".txt"), console, "clean", 5)
    page = raw.getvalue().decode()
    assert colour == bool(OWN.search(page))
    plain = OWN.sub("", page)
    assert not any(map(is_harmful, plain))
    assert max(cell_len(line) for line in plain.split("\n")) <= width


def test_markup_and_emoji_names_are_not_interpreted() -> None:
    console, raw = draw(80)
    print_report(a_report("[bold]:boom:[/bold]", "[/nope]", "[red].txt"), console)
    page = raw.getvalue().decode()
    assert "[bold]:boom:[/bold]" in page
    assert "[red].txt" in page


def test_the_other_pages_are_harmless() -> None:
    console, raw = draw(60)
    for payload in PAYLOADS:
        print_next(console, [("Next", f"dedup clean {payload}")])
        accounts = {
            f"{unit}_{part}": 1 for unit in ("records", "bytes") for part in ("in", "kept", "removed", "quarantined")
        }
        print_accounting(accounts, console, payload)
        print_restored({"sources": 1, "records": 1, "bytes": 1, "problems": [payload]}, payload, console)
        texts = (f"one {payload} text", f"two {payload} texts")
        print_comparison(compare(*texts), (payload, payload), texts, console)
    assert not any(map(is_harmful, raw.getvalue().decode()))


def test_the_report_says_what_matters() -> None:
    console, raw = draw(80)
    print_report(a_report(), console)
    page = raw.getvalue().decode()
    for part in (
        "30.0% of the text repeats: 300 of 1,000 bytes.",
        "1 of 4 documents would be dropped; 2 paragraphs, 3 repeats and 1 loop cut; 40",
        "lines of site boilerplate.",
        "paragraph × 9 in 2 documents on 2 hosts",
        "keep a.txt record 3 bytes 10–37",
        "第[-一-]{+二+}句话说了一遍。",
        "and 5 more",
        "sentence × 3 in 1 document, 60 B repeat",
        "  said before",
        "  stands in a longer paragraph",
        "loop in 1 document, 30 B repeat",
        "keep a.txt record 3 line 7",
        "  said again at once",
        "label × 2 in 1 document, 9 B repeat",
        "Site boilerplate  3 lines and templates",
        "    host-of-a.txt\n    30 pages, 60.0%  第一句话说了一遍。\n    29 pages, 58.0%  编辑：□ 第二",
        "    no host known: the first copy stays\n    3 pages, 100.0%  第一",
        "Alike, but a number differs: both stay  1 of 3 pairs",
        "Alike, in two documents: both stay  1 pair",
        "Repeated in other surroundings: both stay  1 of 2 passages",
        "a.txt record 3 bytes 10–37, first in bytes 10–37\n    第二句话说了一遍。",
        "a.txt record 3  90.0% of it in a.txt record 3",
        "Alike, but with a paragraph of its own: stays  1 pair",
        "a.txt record 3  90.0% alike to a.txt record 3",
        "Set phrases: stand in many documents, never cut  5 of 7 phrases",
        "    12 documents, 20 times  第一句话说了一遍。",
        "第⟦二⟧句话说了一遍。",
        "2 records could not be read",
        "GB18030",
        "7 candidate pairs not measured",
        "8 places not compared",
        "Not settled after 5 passes",
    ):
        assert part in page


def test_a_report_of_nothing_is_short() -> None:
    console, raw = draw(80)
    nothing = {
        "kinds": {},
        "boilerplate": (),
        "phrases": (),
        "skipped_places": 0,
        "kept_apart": 0,
        "kept_for_more": 0,
        "dropped": 0,
        "cut": 0,
        "removed_bytes": 0,
        "clusters": 0,
        "largest": (),
        "shown": (),
        "bad_records": 0,
        "invalid_utf8": 0,
    }
    more = {
        "sources": (SourceReport("a", 4, 1000, 0, 0, 0),) * 3,
        "skipped_pairs": 0,
        "near_misses": 0,
        "settled": True,
        "notes": (),
        "kept_for_numbers": 0,
    }
    print_report(a_report(**nothing, **more), console)
    assert raw.getvalue().decode().splitlines() == [
        "Nothing repeats.",
        "Read 4 documents in 3 files, 1,000 bytes of text.",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dropped": 0, "kinds": {"duplicate": 1}}, "1 paragraph would be cut."),
        ({"dropped": 0, "kinds": {"repeat": 2, "loop": 1}}, "2 repeats and 1 loop would be cut."),
        ({"dropped": 0, "kinds": {"boilerplate": 1}}, "1 line of site boilerplate would be cut."),
        ({"dropped": 2, "kinds": {"duplicate": 2}}, "2 of 4 documents would be dropped."),
        ({"dropped": 2, "kinds": {"duplicate": 3}}, "2 of 4 documents would be dropped and 1 paragraph cut."),
        (
            {"dropped": 0, "kinds": {"duplicate": 9}, "config": {"grain": "sentence"}},
            "9 sentences would be cut.",
        ),
    ],
)
def test_the_headline_counts_by_kind(changes: dict[str, object], said: str) -> None:
    console, raw = draw(80)
    print_report(a_report(**changes), console, top=0)
    assert raw.getvalue().decode().splitlines()[1] == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [("cut", "Site boilerplate  "), ("keep-first", "one copy of each stays"), ("keep", "all of it stays")],
)
def test_boilerplate_says_what_stays(rule: str, said: str) -> None:
    console, raw = draw(80)
    print_report(a_report(config={"boilerplate": rule}), console, top=1)
    page = raw.getvalue().decode()
    assert said in page
    assert "and 1 more host" in page


def test_no_color_means_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    console, raw = draw(80)
    assert not has_colour(console)
    print_report(a_report(), console)
    page = raw.getvalue().decode()
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", page)
    assert "[-一-]{+二+}" in page


def test_colour_means_no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console, raw = draw(80)
    print_report(a_report(), console)
    page = raw.getvalue().decode()
    assert "[-" not in page
    assert "\x1b[9;31m一\x1b[0m" in page
    assert "\x1b[1;32m二\x1b[0m" in page


def test_an_ascii_stream_gets_ascii() -> None:
    console, raw = draw(80, encoding="ascii")
    print_report(a_report("naïve – “text”…", "naive"), console)
    page = raw.getvalue().decode("ascii")
    assert "paragraph x 9" in page
    assert "<U+00EF>" in page
    assert "#" in page


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ("The old ferry sails.", "The new ferry sails.", "The [-old-] {+new+} ferry sails."),
        ("The ferry sails.", "The ferry sails at noon.", "The ferry sails {+at noon+}."),
        ("逐一建立隐患台账，明确", "逐一建立隐患清单，明确", "逐一建立隐患[-台账-]{+清单+}，明确"),
        ("水庫(kù)，，", "水库。", "水库。"),
        ("", "x", "{+x+}"),
        ("x", "", "[-x-]"),
        ("", "", ""),
    ],
)
def test_differences_of_folded_texts(a: str, b: str, shown: str) -> None:
    assert marked(a, b, differences(a, b), colour=False).plain == shown


@given(st.text("山水ab1 ，.\n", max_size=40), st.text("山水ab1 ，.\n", max_size=40))
def test_differences_cover_both_texts(a: str, b: str) -> None:
    codes = differences(a, b)
    assert "".join(a[a0:a1] for _, a0, a1, _, _ in codes) == a or not any(c.isalnum() for c in a)
    assert "".join(b[b0:b1] for *_, b0, b1 in codes) == b or not any(c.isalnum() for c in b)
    for op, a0, a1, b0, b1 in codes:
        if op == "equal":
            assert compare(a[a0:a1], b[b0:b1]).measures["edit"] == 1 or not any(c.isalnum() for c in a[a0:a1])


def test_long_texts_are_aligned_in_time() -> None:
    a = " ".join(f"w{i}" for i in range(30_000))
    b = a.replace("w15000 ", "changed ")
    codes = [code for code in differences(a, b) if code[0] != "equal"]
    assert [(a[a0:a1], b[b0:b1]) for _, a0, a1, b0, b1 in codes] == [("w15000 ", "changed ")]
    many = " ".join("changed" if i % 300 == 0 else f"w{i}" for i in range(30_000))
    assert sum(code[0] != "equal" for code in differences(a, many)) == 100
    other = " ".join(f"v{i}" for i in range(20_000))
    assert all(code[0] != "equal" for code in differences(a, other))


def test_excerpts_leave_out_what_is_alike() -> None:
    a = "一" * 50 + "山" + "二" * 50 + "水" + "三" * 50
    b = "一" * 50 + "石" + "二" * 50 + "火" + "三" * 50
    shown = excerpt(a, b, differences(a, b), colour=False).plain
    assert shown == f"…{'一' * 14}[-山-]{{+石+}}{'二' * 14}…{'二' * 14}[-水-]{{+火+}}{'三' * 14}…"


def test_both_texts_of_a_pair_show_their_own_number() -> None:
    a, b = "up 4.1 percent in June", "up 5.6 percent in July"
    assert with_differences(a, b, colour=False, is_first=True).plain == "up ⟦4.1⟧ percent in ⟦June⟧"
    assert with_differences(b, a, colour=False, is_first=False).plain == "up ⟦5.6⟧ percent in ⟦July⟧"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0.0%"),
        (1e-9, "<0.1%"),
        (0.00051, "0.1%"),
        (0.5, "50.0%"),
        (0.99949, "99.9%"),
        (0.99999, ">99.9%"),
        (1, "100.0%"),
    ],
)
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_sizes_and_counts() -> None:
    assert [size(n) for n in (0, 99_999, 100_000, 1_500_000, 2.5e9, 7e15)] == [
        "0 B",
        "99,999 B",
        "100.0 kB",
        "1.5 MB",
        "2.5 GB",
        "7,000.0 TB",
    ]
    assert [counted(1, "pass", "passes"), counted(2, "pass", "passes"), counted(1_000, "file")] == [
        "1 pass",
        "2 passes",
        "1,000 files",
    ]


def test_progress_is_silent_away_from_a_terminal() -> None:
    with progress_bars() as bars:
        assert bars is None


def test_progress_shows_bytes_and_leaves_nothing_behind() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    for width in (80, 40):
        console.size = (width, 25)  # type: ignore[assignment]
        bars = Bars(console)
        bars.start()
        bars.advance(1)  # before any phase
        bars.phase("reading \x1b]0;x\x07", 2_000_000)
        bars.advance(1_000_000)
        bars._display.refresh()
        bars.phase("pass 1", None)
        bars.advance(5)
        bars._display.refresh()
        bars.stop()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "1.0 MB of 2.0 MB" in shown
    assert "reading ␛]0;x␇" in shown


@pytest.fixture(autouse=True)
def _no_colour_from_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return
