"""Noise that scraping brings does not hide a copy: glosses, doubled punctuation, script, width, invisible characters, holes."""

from __future__ import annotations

import random
import re

import naive
import pytest
from conftest import fewer
from folding import han
from hypothesis import example, given
from hypothesis import strategies as st

import dedup
from dedup.api import Cleaned

TOPICS = (
    "水务局", "学校", "渡口", "图书馆", "消防队", "气象台", "铁路", "医院", "菜市场", "博物馆", "社区", "林场", "港务处", "邮局", "剧团", "灯塔",
)  # fmt: skip
DEEDS = (
    "今天通报连日降雨使水位上涨", "决定把开放时间延长到晚上", "请居民在月底以前登记车辆", "发现两处裂缝并已停止通行", "为孩子们办了一场读书会",
    "将向受灾家庭发放补助款项", "在山坡上种下新的树苗", "举行了演练并检查装备", "修好了老街的路灯", "公布了今年的统计数据",
)  # fmt: skip
ENDS = (
    "，记者从现场发回报道",
    "，工作人员说一切顺利",
    "，市民可以拨打热线询问",
    "，有关部门正在调查原因",
    "，计划在明年春天完成",
)
GLOSSES = ("zhì", "yīng", "fā", "lǜ", "ㄓˋ", "yè", "zha\u030cn")
UNSEEN = ("\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060", "\ufe0f")
HOLES = ("?；?", "??", "？?；", "???")
KINDS = ("gloss", "double", "script", "width", "unseen", "hole")
HAN = re.compile(r"[\u4e00-\u9fff]")


def variants() -> dict[str, str]:
    """A character -> another one that folds alike."""
    table: dict[str, list[str]] = {}
    for one, kin in han().items():
        if HAN.match(one):
            table.setdefault(kin, [kin]).append(one)
    return {c: members[(i + 1) % len(members)] for members in table.values() for i, c in enumerate(members)}


OTHER = variants()


def _wide(c: str) -> str:
    return chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c


def damaged(text: str, kinds: tuple[str, ...], often: float, seed: int) -> str:
    """The text with noise of these kinds at a share of the places where it can be; holes, which follow Han characters only, are five
    times as rare."""
    draw = random.Random(seed)
    result = ""
    for c in text:
        hit = {kind for kind in kinds if draw.random() < (often / 5 if kind == "hole" else often)}
        if "script" in hit:
            c = OTHER.get(c, c)
        if "width" in hit:
            c = _wide(c)
        result += c
        if "gloss" in hit and HAN.match(c):
            result += draw.choice(("({})", "（{}）")).format(draw.choice(GLOSSES))
        if "unseen" in hit:
            result += draw.choice(UNSEEN)
        if "double" in hit and c in "，。,.":
            result += draw.choice((",", "，", "、", "。", c))
        if "hole" in hit and HAN.match(c):
            result += draw.choice(HOLES)
    return result


@st.composite
def stories(draw: st.DrawFn) -> str:
    """A story of some paragraphs that no other story is near."""
    order = draw(st.permutations(TOPICS))
    sentences = [
        f"{topic}{draw(st.sampled_from(DEEDS))}{draw(st.sampled_from(ENDS))}。"
        for topic in order[: draw(st.integers(4, 14))]
    ]
    sentences.append("The council said in 2024 that the bridge over the Lenn would stay closed.")
    at = draw(st.integers(1, len(sentences)))
    return "\n".join(["".join(sentences[:at]), "".join(sentences[at:])]).strip()


@fewer(0.75)
@given(
    stories(),
    st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(tuple),
    st.floats(0.02, 0.5),
    st.integers(0, 2**20),
    st.booleans(),
)
@example(
    "渡口发现两处裂缝并已停止通行。水务局今天通报连日降雨使水位上涨。\n博物馆修好了老街的路灯。", KINDS, 0.5, 1, True
)
def test_a_damaged_copy_is_a_duplicate(
    text: str, kinds: tuple[str, ...], often: float, seed: int, damaged_first: bool
) -> None:
    noisy = damaged(text, kinds, often, seed)
    pair = [noisy, text] if damaged_first else [text, noisy]
    other = "这里写的是另一件事情，与别处的文字没有任何关系，只是为了放在两份文本之间。"
    result = dedup.clean([pair[0], other, pair[1]])
    assert isinstance(result, Cleaned)
    assert result.data == [pair[0], other]
    [line] = result.removed
    assert (line["action"], line["record"], line["kept"]["record"]) == ("drop", 2, 0)
    assert line["similarity"] >= 0.95
    one, two = ([token.text for token in naive.tokens(part.encode(), han())] for part in pair)
    assert naive.edit_similarity(one, two) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_each_noise_alone_changes_no_token(kind: str) -> None:
    text = "水务局今天通报连日降雨使水位上涨，记者从现场发回报道。图书馆决定把开放时间延长到晚上，Room 12。"
    noisy = damaged(text, (kind,), 1.0, 3)
    assert noisy != text
    one, two = ([token.text for token in naive.tokens(part.encode(), han())] for part in (text, noisy))
    assert one == two
    assert dedup.compare(text, noisy).measures["edit"] == 1


def test_a_damaged_paragraph_is_a_duplicate_in_another_article() -> None:
    text = "水务局今天通报连日降雨使水位上涨，记者从现场发回报道，抢险队已在三处堤段加高沙袋，所有值守人员将留在岗位。"
    tail = "\n博物馆在老街上办了一场展览，展出的是一百年前的船票和航海日记，展期到下个月底为止，免费参观。"
    head = "渡口发现两处裂缝并已停止通行，市民请改走上游的大桥，恢复时间另行通知，轮渡公司的工作人员说。\n"
    noisy = damaged(text, KINDS, 0.3, 11)
    result = dedup.clean([head + text, noisy + tail])
    assert isinstance(result, Cleaned)
    assert result.data == [head + text, tail.strip()]
