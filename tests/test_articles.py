"""The five scraped articles that must come out right, each alone and all together; the same on the examples."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path

import folding
import naive
import naive_repeats
import naive_windows
import pytest
from conftest import real_texts

import dedup
from dedup import Config
from dedup.api import Cleaned

WEIGHT = 40
NAMES = (
    "000_93101ea60937e7f5", "001_c59387b745e1d29b", "002_ded5afea61a0dae9", "003_95e9a42daca1887e", "004_62baa389bd6c7c7a",
)  # fmt: skip
SHANXI, WENSHANG, SHANDONG, LINSHU, XIAMEN = range(5)
LABEL = re.compile(r".{1,30}[:：]\s*")
HEAD_LINES = slice(2, 7)
"""The lines of the Shandong article that its body says again."""
EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "news"
GLOSS = re.compile(r"(?<=[\u3400-\u9fff])[(（][a-zü\u00e0-\u01dc]{1,7}[)）]")
DOUBLED = re.compile(r",+([,、。！？])")
_TRADITIONAL = (
    "廳礦測紹縣編億評綜劉龐徹籌駐揮優簡訂頻撲徑針屆態儲銨崗礎攬輿澇奮糾輔鋒緒訊凍霧欄銷鍵檔僅凈瀏覽療診錨癥趨獎銜閱讀"
)
_SIMPLIFIED = (
    "厅矿测绍县编亿评综刘庞彻筹驻挥优简订频扑径针届态储铵岗础揽舆涝奋纠辅锋绪讯冻雾栏销键档仅净浏览疗诊锚症趋奖衔阅读"
)
SIMPLIFIED = dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True))
"""By hand: what the texts that the rest is learnt from do not have."""


def article(number: int) -> str:
    return real_texts("articles", f"{NAMES[number]}.txt").read_text("utf-8")


@cache
def cleaned(numbers: tuple[int, ...], **settings: str) -> Cleaned:
    result = dedup.clean([article(number) for number in numbers], Config(**settings))  # type: ignore[arg-type]
    assert isinstance(result, Cleaned)
    return result


@cache
def tokens(text: str) -> list[naive.Token]:
    return naive.tokens(text.encode(), folding.han())


def size(text: str) -> int:
    """Folded characters."""
    return sum(len(token.text) for token in tokens(text))


def values(text: str) -> list[int]:
    return [naive.token_value(token) for token in tokens(text)]


def sentences(text: str) -> list[tuple[int, int]]:
    """Ranges of tokens."""
    starts = [token.start for token in tokens(text)]
    lines = naive.lines(text.encode())
    found = []
    for low, high in lines:
        for start, end in naive_repeats.pieces(text.encode()[low:high], naive_repeats.SENTENCE):
            mine = [i for i, at in enumerate(starts) if low + start <= at < low + end]
            found += [(mine[0], mine[-1] + 1)] if mine else []
    return found


def less(text: str, result: Cleaned, record: int) -> str:
    """The text without what the log says was cut."""
    data = text.encode()
    for line in sorted(result.removed, key=lambda line: -line["start"]):
        if line["record"] == record and line["action"] == "cut":
            assert data[line["start"] : line["end"]].decode() == line["text"]
            data = data[: line["start"]] + data[line["end"] :]
    return data.decode()


def twin(text: str) -> str:
    """The text in simplified script and without the noise: as it was before it was scraped. Characters come from verses and a
    constitution in both scripts."""
    text = GLOSS.sub("", text)
    text = re.sub(r"\?{2,}", "", DOUBLED.sub(r"\1", text))
    known = learnt()
    return "".join(known.get(c, c) for c in text)


@cache
def learnt() -> dict[str, str]:
    """Traditional character -> simplified one."""
    votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    golden = real_texts("data", "opencc", "golden")
    pairs = [
        json.loads(line)
        for line in real_texts("data", "pairs", "bible_hant_hans.jsonl").read_text("utf-8").splitlines()
    ]
    texts = [(pair["hant"], pair["hans"]) for pair in pairs]
    plain = (golden / "input/us_constitution_zhs.txt").read_text("utf-8").split("\n")
    for path in sorted((golden / "output").glob("*_zhs.s2t*.txt")):
        texts += zip(path.read_text("utf-8").split("\n"), plain, strict=False)
    for one, two in texts:
        left, right = (re.findall(r"[\u3400-\u9fff]", text) for text in (one, two))
        if len(left) == len(right):
            for a, b in zip(left, right, strict=True):
                votes[a][b] += 1
    return {a: max(of, key=lambda b: of[b]) for a, of in votes.items()} | SIMPLIFIED


@pytest.mark.parametrize("numbers", [(XIAMEN,), tuple(range(5))], ids=["alone", "with the others"])
def test_xiamen_says_each_sentence_once(numbers: tuple[int, ...]) -> None:
    result = cleaned(numbers)
    left = result.data[numbers.index(XIAMEN)]
    repeated = naive_windows.repeated_tokens([values(left)], WEIGHT)
    assert repeated  # splices stay
    again = [(low, high) for low, high in sentences(left) if all((0, i) in repeated for i in range(low, high))]
    assert again == []
    assert 0.65 <= size(left) / size(article(XIAMEN)) <= 0.68


def test_xiamen_keeps_every_sentence_that_it_says_once() -> None:
    text = article(XIAMEN)
    left = cleaned((XIAMEN,)).data[0]
    repeated = naive_windows.repeated_tokens([values(text), values(text)[::-1]], WEIGHT)
    backwards = len(tokens(text)) - 1
    ahead = {i for number, i in repeated if number == 0} | {backwards - i for number, i in repeated if number == 1}
    unique = [(low, high) for low, high in sentences(text) if not any(i in ahead for i in range(low, high))]
    assert len(unique) > 80
    data = text.encode()
    for low, high in unique:
        assert data[tokens(text)[low].start : tokens(text)[high - 1].end].decode() in left or _is_label(text, low, high)


def _is_label(text: str, low: int, high: int) -> bool:
    return bool(LABEL.fullmatch(text.encode()[tokens(text)[low].start :].decode().split("\n")[0])) and high - low <= 30


def test_xiamen_has_no_loops_left() -> None:
    text, left = article(XIAMEN), cleaned((XIAMEN,)).data[0]
    assert loops(text) >= 2
    assert loops(left) == 0
    once = "指挥决策、力量部署、资源高度等,这意味着,全市应急响应、力量调度、资源高度等。"
    assert [line.count(once) for line in left.split("\n") if "这意味着" in line] == [1, 1]


def loops(text: str) -> int:
    """Whole clauses, of six tokens and more, that follow themselves in a line."""
    found = 0
    for low, high in naive.lines(text.encode()):
        data = text.encode()[low:high]
        clauses = [
            [t.text for t in naive.tokens(data[a:b], folding.han())]
            for a, b in naive_repeats.pieces(data, naive_repeats.CLAUSE)
        ]
        names = {tuple(clause): i for i, clause in enumerate(clauses)}
        found += len(
            naive_repeats.loops([names[tuple(clause)] for clause in clauses], [len(clause) for clause in clauses], 6)
        )
    return found


def test_xiamen_keeps_labels_that_head_something() -> None:
    text, left = article(XIAMEN).split("\n"), cleaned((XIAMEN,)).data[0].split("\n")
    labels = [line for line in text if line.startswith("●")]
    assert [line for line in left if line.startswith("●")] == list(dict.fromkeys(labels))
    headings = [line for line in text if re.match(r"\d |亮点 |回顾|人物声音", line)]
    assert [line for line in left if line in headings] == headings


def test_xiamen_loses_splices_on_request() -> None:
    whole = size(article(XIAMEN))
    by_clause = cleaned((XIAMEN,), cut="clause")
    assert 0.62 <= size(by_clause.data[0]) / whole <= 0.65
    exactly = cleaned((XIAMEN,), cut="exact")
    assert naive_windows.repeated_tokens([values(exactly.data[0])], WEIGHT) == set()
    shown = [line for line in cleaned((XIAMEN,)).removed if (line["action"], line["reason"]) == ("keep", "spliced")]
    assert len(shown) >= 3


@pytest.mark.parametrize("cut", ["sentence", "clause", "exact", "paragraph", "none"])
@pytest.mark.parametrize("numbers", [*((n,) for n in range(5)), tuple(range(5))], ids=[*"01234", "all"])
def test_what_is_not_cut_is_untouched_and_a_second_clean_finds_nothing(numbers: tuple[int, ...], cut: str) -> None:
    result = cleaned(numbers, cut=cut)
    assert result.report.settled
    assert result.report.skipped_places == 0
    assert result.kept.tolist() == list(range(len(numbers)))
    for record, number in enumerate(numbers):
        assert result.data[record] == less(article(number), result, record)
    again = dedup.clean(result.data, Config(cut=cut))  # type: ignore[arg-type]
    assert isinstance(again, Cleaned)
    assert again.data == result.data
    assert [line for line in again.removed if line["action"] != "keep"] == []


@pytest.mark.parametrize("number", [SHANXI, WENSHANG, LINSHU])
def test_these_stay_as_they_are(number: int) -> None:
    assert cleaned((number,)).data == [article(number)]
    assert cleaned(tuple(range(5))).data[number] == article(number)


def test_set_phrases_are_listed() -> None:
    phrases = cleaned(tuple(range(5))).report.phrases
    assert phrases
    for phrase in phrases:
        wanted = [token.text for token in tokens(phrase.text)]
        having = sum(
            any(said[i : i + len(wanted)] == wanted for i in range(len(said))) for said in map(_said, range(5))
        )
        assert having >= phrase.documents >= 2
        assert 6 <= len(wanted) < WEIGHT


@cache
def _said(number: int) -> list[str]:
    return [token.text for token in tokens(article(number))]


@pytest.mark.parametrize("numbers", [(SHANDONG,), tuple(range(5))], ids=["alone", "with the others"])
def test_shandong_says_its_head_lines_in_the_body(numbers: tuple[int, ...]) -> None:
    text, result = article(SHANDONG), cleaned(numbers)
    left = result.data[numbers.index(SHANDONG)]
    heads = text.split("\n")[HEAD_LINES]
    said = [token.text for token in tokens(left)]
    for head in heads:
        assert head not in left.split("\n")
        wanted = [token.text for token in tokens(head)]
        assert sum(said[i : i + len(wanted)] == wanted for i in range(len(said))) == 1
    assert left == "\n".join(line for line in text.split("\n") if line not in heads)


def test_shanxi_keeps_its_speakers() -> None:
    text, left = article(SHANXI), cleaned((SHANXI,)).data[0]
    labels = [line for line in text.split("\n") if LABEL.fullmatch(line)]
    assert len(labels) > len(set(labels))
    assert [line for line in left.split("\n") if LABEL.fullmatch(line)] == labels


@pytest.mark.parametrize("number", [SHANXI, SHANDONG])
def test_the_text_without_its_noise_is_a_duplicate(number: int) -> None:
    text = article(number)
    clean_text = twin(text)
    assert len(GLOSS.findall(text)) > 250
    assert GLOSS.findall(clean_text) == []
    for one, two in ((text, clean_text), (clean_text, text)):
        result = dedup.clean([one, article(XIAMEN), two])
        assert isinstance(result, Cleaned)
        [line] = [line for line in result.removed if line["action"] == "drop"]
        assert (line["record"], line["kept"]["record"]) == (2, 0)
        assert line["similarity"] >= 0.95
    measures = dedup.compare(text, clean_text).measures
    assert min(measures.values()) >= 0.95
    assert (
        naive.edit_similarity([t.text for t in tokens(text)][:600], [t.text for t in tokens(clean_text)][:600]) >= 0.95
    )


def test_wenshangs_one_line_is_cut_where_it_lost_its_breaks() -> None:
    line = max(article(WENSHANG).split("\n"), key=len)
    assert size(line) > 3000
    pieces = [piece for piece in re.split(r"(?<=[。!?！？]) ", line) if 60 <= size(piece) <= 300]
    first, last = article(LINSHU).split("\n")[:2]
    page = "\n".join([first, *pieces[3:9], last])
    result = dedup.clean([article(WENSHANG), page])
    assert isinstance(result, Cleaned)
    assert result.data == [article(WENSHANG), f"{first}\n{last}"]
    assert [line["text"].strip() for line in result.removed if line["action"] == "cut"] == pieces[3:9]


def test_articles_are_no_duplicates_of_one_another() -> None:
    for one, two in combinations(range(5), 2):
        assert dedup.compare(article(one), article(two)).measures["jaccard"] < 0.2
    assert cleaned(tuple(range(5))).report.dropped == 0


def examples() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(EXAMPLES.glob("*/*.txt"))}


@pytest.mark.parametrize("name", examples())
def test_examples_alone(name: str) -> None:
    text = examples()[name]
    result = dedup.clean([text])
    assert isinstance(result, Cleaned)
    [left] = result.data
    assert left == less(text, result, 0)
    again = dedup.clean([left])
    assert isinstance(again, Cleaned)
    assert again.data == [left]
    repeated = naive_windows.repeated_tokens([values(left)], WEIGHT)
    assert not [low for low, high in sentences(left) if all((0, i) in repeated for i in range(low, high))]
    assert loops(left) == 0


def test_statements_of_the_examples() -> None:
    text = examples()["yunting-statements"]
    result = dedup.clean([text])
    assert isinstance(result, Cleaned)
    labels = [line for line in text.split("\n") if LABEL.fullmatch(line)]
    assert len(labels) == len(set(labels)) + 2
    assert [line for line in result.data[0].split("\n") if LABEL.fullmatch(line)] == list(dict.fromkeys(labels))
    assert result.data[0].count("夜里靠岸的人不用再摸黑上坡") == 1
    assert [line["reason"] for line in result.removed if line["action"] == "keep"] == ["spliced"]
