"""Corpora as scraping makes them: paragraphs shared, edited, renumbered, re-indented, spliced, in every layout and format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

ZH = (
    "松河市水务局今天通报,连日降雨使城北水位上涨,抢险队已在三处堤段加高沙袋。",
    "局长说,所有值守人员将留在岗位,直到水位回落到警戒线以下为止,居民可拨打热线求助。",
    "记者在现场看到,志愿者把饮用水和被褥送到临时安置点,孩子们在那里写作业。",
    "气象台预计,雨势将在周末减弱,但山区仍有滑坡的危险,请勿进入河谷。",
    "松河市财政局表示,今年将向城北的两百户受灾家庭发放每户5000元的补助,款项在月底前到账。",
    "我区坚持规划先行,完善配套政策,推动老旧厂房改造为文化创意园区,让闲置空间重新焕发活力。",
)
EN = (
    "The council said on Monday that the old bridge over the Lenn will stay closed until it has been inspected.",
    "Local shops fear that a long closure would drive their customers away, and have asked for a temporary footbridge.",
    "Engineers found cracks in two of the nine piers, and a report with the costs of 4500 bolts is expected in May.",
    "Residents may send their remarks to the town hall, by letter or by mail, until the end of the month.",
)
SHORT = ("分享到:", "责任编辑:王一", "cat", "dog", "。。。", "Read more", "首页 | 新闻 | 正文", "2024-05-02", "要求:")
FIXED = (
    "```\nfor i in range(10):\n    print(i)\n```",
    "| 区 | 户数 |\n|---|---|\n| 城北 | 200 |\n| 城南 | 150 |",
    "~~~\nnever closed, " + EN[0],
)
BREAKS = ("\n", "\n", "\n", "\n\n", "\r\n", "\r\n\r\n", "\n\u3000\u3000", " \n\t", "\n \n", "\r", "\v\n")
WRAP = 46


def wrapped(text: str, width: int = WRAP) -> str:
    """English text broken at a width, as mail and old pages have it."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def _swap(text: str, at: int) -> str:
    """One character or word less."""
    if " " in text:
        words = text.split(" ")
        return " ".join(words[: at % len(words)] + words[at % len(words) + 1 :])
    return text[: at % len(text)] + text[at % len(text) + 1 :]


def _change(text: str, at: int) -> str:
    """One character or word replaced."""
    if " " in text:
        words = text.split(" ")
        words[at % len(words)] = "otherwise"
        return " ".join(words)
    return text[: at % len(text)] + "另" + text[at % len(text) + 1 :]


def _renumber(text: str, at: int) -> str:
    """Another numeral, if there is one."""
    return text.translate({ord("5"): str(at % 10), ord("三"): "四五六七"[at % 4]})


def _wide(text: str, at: int) -> str:
    """The same after folding: other punctuation, width and case."""
    return text.replace(",", ",," if at % 2 else ",").replace("。", "!" if at % 3 else "。 ").upper()


EDITS = (_swap, _change, _renumber, _wide)


@st.composite
def paragraphs(draw: st.DrawFn) -> str:
    """A paragraph of the pool, most often as it is."""
    text = draw(st.sampled_from(ZH + EN + ZH + EN + SHORT + FIXED))
    if text in FIXED or text in SHORT:
        return text
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 2, 4, 8)))):
        text = draw(st.sampled_from(EDITS))(text, draw(st.integers(0, 99))) or "x"
    return text


@st.composite
def passages(draw: st.DrawFn) -> str:
    """Several paragraphs in one: a page that lost its breaks, a clause inside another, a hard-wrapped block; or a list."""
    parts = draw(st.lists(paragraphs().filter(lambda text: "\n" not in text), min_size=2, max_size=9))
    how = draw(st.sampled_from(("page", "cells", "splice", "wrap", "label")))
    if how == "page":
        return " ".join(parts)
    if how == "cells":
        return "|||".join(parts)
    if how == "splice":
        return parts[0][:-1] + "," + parts[1]
    if how == "label":
        return parts[0][:12] + ":\n" + "\n".join(parts[1:])
    return wrapped(" ".join(EN[len(part) % len(EN)] for part in parts))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Paragraphs and passages, with white space of every sort around them."""
    parts = draw(st.lists(st.one_of(paragraphs(), paragraphs(), passages()), max_size=7))
    text = draw(st.sampled_from(("", "", "", "\ufeff", "\n\n", "\u3000\u3000")))
    for part in parts:
        text += part + draw(st.sampled_from(BREAKS))
    return text if draw(st.booleans()) else text.rstrip()


def _seams(parts: list[str]) -> list[str]:
    """A B, then A and B apart, then B A: what is cut from one brings others together."""
    a, b = "\n".join(parts[: len(parts) // 2]), "\n".join(parts[len(parts) // 2 :])
    return [f"{a}\n{b}", f"{a}\n{SHORT[0]}\n{b}", f"{b}\n{a}", a, b]


def corpora(max_documents: int = 8) -> st.SearchStrategy[list[str]]:
    """Documents that repeat one another in whole and in part, some of them word for word."""
    several = st.lists(documents(), max_size=max_documents)
    again = st.lists(documents(), min_size=1, max_size=max_documents // 2).flatmap(
        lambda texts: st.lists(st.sampled_from(texts), max_size=max_documents // 2).map(lambda more: texts + more)
    )
    return st.one_of(several, again, st.lists(paragraphs(), min_size=2, max_size=6).map(_seams))


FORMATS = (".txt", ".md", ".jsonl", ".csv", ".tsv", ".parquet")
PACKINGS = ("", ".gz", ".zst")


def laid_out(texts: Sequence[str], ending: str, fields: int = 1) -> bytes:
    """A file of records in one format; with two fields the first line of each text is its title. Parquet has two row groups."""
    if ending in (".txt", ".md"):
        return "\n".join(texts).encode()
    titles = [text.split("\n")[0] if fields > 1 else f"page {i}" for i, text in enumerate(texts)]
    texts = [text.removeprefix(title) if fields > 1 else text for title, text in zip(titles, texts, strict=True)]
    rows = [
        {"id": f"n{i}", "title": title, "text": text} for i, (title, text) in enumerate(zip(titles, texts, strict=True))
    ]
    if ending == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows)).encode()
    if ending == ".parquet":
        sink = pa.BufferOutputStream()
        schema = pa.schema([(name, pa.string()) for name in ("id", "title", "text")])
        pq.write_table(pa.Table.from_pylist(rows, schema), sink, row_group_size=max(len(rows) // 2, 1))
        return bytes(sink.getvalue())
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", "title", "text"], delimiter="\t" if ending == ".tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def packed(data: bytes, packing: str) -> bytes:
    """The data as it is, as gzip or as zstd."""
    if packing == ".gz":
        return gzip.compress(data, mtime=0)
    return bytes(pa.compress(data, codec="zstd", asbytes=True)) if packing else data


def write_corpus(folder: Path, texts: Sequence[str], names: Sequence[str], fields: int = 1) -> Path:
    """Write the texts out in turn to files of these names; a plain text file takes one of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        ending = next(ending for ending in FORMATS if ending in name)
        mine = list(texts[number :: len(names)])
        data = laid_out(mine[:1] if ending in FORMATS[:2] else mine, ending, fields)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(data, name[name.index(ending) + len(ending) :]))
    return folder


@st.composite
def tiny_corpora(draw: st.DrawFn) -> list[str]:
    """Documents of a few paragraphs of a few tokens: nearly all match nearly all others, which is where passes get in each other's way."""
    words = st.lists(st.sampled_from("甲乙丙丁") | st.sampled_from(["ab", "cd"]), min_size=1, max_size=8)
    pool = draw(st.lists(words.map(" ".join), min_size=1, max_size=6))
    several = draw(st.lists(st.lists(st.sampled_from(pool), max_size=6), min_size=1, max_size=7))
    return [draw(st.sampled_from(["\n", "\n\n", "\r\n"])).join(parts) for parts in several]


@st.composite
def knotted_corpora(draw: st.DrawFn) -> list[str]:
    """The same with clauses and sentences that repeat, loop, and stand in one another, under labels and in fences."""
    words = st.sampled_from("甲乙丙丁") | st.sampled_from(["ab", "cd"])
    clauses = draw(st.lists(st.lists(words, min_size=1, max_size=16).map(" ".join), min_size=1, max_size=5))
    ends = st.sampled_from(["。", ".", "!", ""])
    sentence = st.tuples(st.lists(st.sampled_from(clauses), min_size=1, max_size=4).map(",".join), ends).map("".join)
    pool = draw(st.lists(sentence, min_size=1, max_size=5))
    paragraph = st.lists(st.sampled_from(pool), min_size=1, max_size=4).map(" ".join)
    lines = st.lists(paragraph | st.sampled_from(["甲:", "乙:", "```", "x"]), max_size=6)
    several = draw(st.lists(lines, min_size=1, max_size=6))
    return [draw(st.sampled_from(["\n", "\n\n", "\r\n"])).join(parts) for parts in several]
