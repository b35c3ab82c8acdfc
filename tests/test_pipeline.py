"""What the whole way decides: the articles, planted cases, chains, numerals, preferences."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import real_texts

import dedup
from dedup import Config, Matching
from dedup.api import Cleaned

STORY = (
    "松河市水务局今天通报,连日降雨使城北水位上涨,抢险队已在三处堤段加高沙袋。\n"
    "局长说,所有值守人员将留在岗位,直到水位回落到警戒线以下为止,居民可拨打热线求助。\n"
    "记者在现场看到,志愿者把饮用水和被褥送到临时安置点,孩子们在那里写作业。\n"
    "气象台预计,雨势将在周末减弱,但山区仍有滑坡的危险,请勿进入河谷。"
)
FIRST_THREE = {75, 77, 85, 87, 95, 129, 144, 152}


def clean(texts: list[str], **settings: object) -> Cleaned:
    result = dedup.clean(texts, Config(**settings))  # type: ignore[arg-type]
    assert isinstance(result, Cleaned)
    return result


def test_only_the_second_cat_goes() -> None:
    result = clean(["cat", "dog", "cat", "", "。。。"])
    assert result.data == ["cat", "dog", "", "。。。"]
    assert [line["record"] for line in result.removed] == [2]
    assert result.removed[0]["kept"]["record"] == 0
    assert result.removed[0]["similarity"] == 1.0


def test_article_004_keeps_the_first_copy_of_each_repeated_paragraph(tmp_path: Path) -> None:
    article = real_texts("articles", "004_62baa389bd6c7c7a.txt")
    dedup.clean(article, Config(cut="none"), out=tmp_path / "out")
    lines = article.read_text("utf-8").splitlines()
    left = (tmp_path / "out" / article.name).read_text("utf-8").splitlines()
    # by hand, from the text alone: every long line that stood before goes, and the blank line after it
    wanted: list[str] = []
    seen: set[str] = set()
    gone = False
    for line in lines:
        if len(line) >= 20 and line in seen:
            gone = True
            continue
        if gone and not line:
            gone = False
            continue
        gone = False
        seen.add(line)
        wanted.append(line)
    assert left == wanted
    first = {number for number, line in enumerate(lines, 1) if len(line) >= 20 and lines.count(line) > 1}
    assert {min(n for n in first if lines[n - 1] == lines[m - 1]) for m in first} == FIRST_THREE


def test_a_chain_is_not_followed() -> None:
    words = [chr(0x5000 + 97 * i) + chr(0x5001 + 97 * i) for i in range(90)]
    chain = ["".join(words[3 * i : 3 * i + 30]) for i in range(21)]
    threshold = 0.8
    config = Config(
        grain="document", short_tokens=0, document=Matching(bands=32, rows=3, measure="edit", threshold=threshold)
    )
    result = dedup.clean(chain, config)
    assert isinstance(result, Cleaned)
    assert dedup.compare(chain[0], chain[1]).measures["edit"] >= threshold
    assert dedup.compare(chain[0], chain[20]).measures["edit"] < 0.3
    assert 1 < len(result.data) < 21
    for line in result.removed:
        kept = chain[line["kept"]["record"]]
        assert kept in result.data
        assert dedup.compare(line["text"], kept).measures["edit"] >= threshold


@pytest.mark.parametrize("as_records", [True, False])
def test_statements_that_differ_in_an_amount_both_stay(as_records: bool) -> None:
    one = "松河市财政局表示,今年将向城北的两百户受灾家庭发放每户5000元的补助,款项在月底前到账。"
    two = one.replace("5000", "6000")
    texts = [one, two] if as_records else [STORY + "\n" + one + "\n" + two]
    result = clean(texts)
    assert result.data == texts
    assert result.report.kept_for_numbers == 1
    [line] = result.removed
    assert (line["action"], line["reason"]) == ("keep", "numbers differ")
    assert len(clean(texts, numbers="ignore").removed) == 1
    assert clean(texts, numbers="ignore").data != texts


def test_a_second_agencys_copy_goes_as_a_whole() -> None:
    one = "松河市加固北堤\n本报记者 林一舟\n" + STORY
    two = "连日降雨 北堤抢险\n松河通讯社 五月二日电\n" + STORY.replace("今天", "昨天")
    result = clean([one, two])
    assert result.data == [one]
    [line] = result.removed
    assert (line["action"], line["record"], line["kept"]["record"], line["grain"]) == ("drop", 1, 0, "document")
    assert line["text"] == two
    assert line["similarity"] >= 0.5


def test_preferences_choose_the_copy() -> None:
    longer = STORY + "\n本文由松河通讯社提供。"
    assert clean([STORY, longer]).data == [STORY]
    assert clean([STORY, longer], keep="longest").data == [longer]


def test_evidence_of_every_removal_is_left(tmp_path: Path) -> None:
    paragraphs = STORY.split("\n")
    texts = [
        STORY,
        paragraphs[1] + "\n别的内容在这里写着,和前面完全不同的一段话。" * 1,
        paragraphs[2],
        "\n".join(paragraphs[:2]),
    ]
    result = clean(texts)
    rest = "\n".join(result.data)
    for line in result.removed:
        evidence = texts[line["kept"]["record"]].encode()[line["kept"]["start"] : line["kept"]["end"]].decode()
        assert all(part in rest for part in evidence.split("\n"))


def test_a_second_run_finds_nothing() -> None:
    first = clean([STORY, STORY[10:], STORY.replace("\n", "\n\n"), "\n".join(reversed(STORY.split("\n")))])
    assert first.report.settled
    assert clean(first.data).removed == []
