"""A crawl of any size with its truth: stories on many hosts, their copies, and the furniture around them, as JSONL.

    python benchmarks/crawl.py --size 100MB --out crawl            # crawl/crawl-000.jsonl and crawl/truth.jsonl
    python benchmarks/crawl.py --size 20GB --files 16 --out crawl

Everything about record r is a function of the seed and r alone (the hash of `clauses.mixed`), so nothing is remembered between
records: memory is the same for any size, a copy may stand any distance from its original, and any stretch of the crawl
can be made again by itself.

Text: clauses of the real texts (see `corpora.data_folder`; Chinese in both scripts, and English), put together anew. No
clause weighs more than `clauses.MAX_WEIGHT`, and each paragraph has at least `CLAUSES` of them, each drawn by itself: two
stories share no paragraph and no window of weight 40 but by a chance that stays small at 20 GB. Single clauses they do.

Kinds of record, each with its share of all:

    original     a story that stands here first
    exact        the same page at another address of the same host: the same bytes of text
    near         the story with a stated share of its tokens replaced, at the same host
    syndicated   the story on another host of its language, with that host's furniture; every second is of a wire
                 story, which so stands on many hosts
    other        a page that is no story: a list of headlines

Around each story stand its host's lines: navigation and a notice before it, a sign-off with names, a date and a counter
and a last line after it. Up to every fifth near or syndicated copy has noise in its punctuation and white space, which changes no
token. In truth.jsonl is a line a record, in the order of the crawl: `id`, `kind`, `story` (the id of its original; null for
other), `edits` (share of its tokens that were replaced), `head` and `tail` (how many lines of furniture stand first and
last in `text`), `noise`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from clauses import I64, LANGUAGES, U64, mixed, share_of, stirred, words

KINDS = ("original", "exact", "near", "syndicated", "other")
EDITS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of tokens replaced in near copies, drawn alike."""
LANGUAGE_SHARES = (0.4, 0.3, 0.3)
CLAUSES = 4
"""A paragraph ends only after a multiple of so many clauses."""
STORY_CLAUSES = (16, 400)
BATCH = 1024
"""Records made in one go."""
HOST_BYTES = 2_000_000
"""A host for so much of the crawl; at least `MIN_HOSTS` a language, at most `MAX_HOSTS` in all."""
MIN_HOSTS, MAX_HOSTS = 3, 6000
OTHER_SHARE = 0.02
NOISE_EVERY = 5
VERSION = 1
"""Raise it when the same arguments come to make another crawl."""

# every draw is made with a key of its own
(
    _KIND,
    _SOURCE,
    _FAR,
    _LANGUAGE,
    _LENGTH,
    _CLAUSE,
    _HOST,
    _PLACE,
    _LETTER,
    _LINE,
    _COUNT,
) = range(11)

# what a clause ends with, by language: clause, sentence, paragraph
_MARKS = {"hans": ("，", "。", "。\n"), "hant": ("，", "。", "。\n"), "en": (", ", ". ", ".\n")}
# (what is replaced, by what): no token changes, and none of it is in a clause
_NOISES = tuple(
    (was.encode(), now.encode())
    for was, now in (("。", "。 "), ("，", ","), (". ", ".  "), ("\n", " \n\n"), ("。\n", "。。\n"), (", ", " , "))
)
_SIGN_OFF = {
    "hans": "编辑：%s 审核：%s 发布时间：%s 浏览次数：%d 次",
    "hant": "編輯：%s 審核：%s 發布時間：%s 瀏覽人次：%d 次",
    "en": "Written by %s, edited by %s, published on %s, read %d times",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a crawl is made by.

    Attributes:
        size: bytes of JSONL to reach.
        seed: draws everything.
        shares: of copies, by kind, of all records.
        files: into how many files of about the same size it goes.
    """

    size: int
    seed: int = 1
    exact: float = 0.04
    near: float = 0.08
    syndicated: float = 0.08
    files: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or self.files < 1 or min(self.exact, self.near, self.syndicated) < 0:
            raise ValueError("size, files and shares must be above 0")
        if self.copies > 0.8:
            raise ValueError(f"copies are {self.copies:.0%} of all records; at most 80% can be")

    @property
    def copies(self) -> float:
        """Share of copies of any kind."""
        return self.exact + self.near + self.syndicated


@dataclass(slots=True)
class Made:
    """A crawl on disk: its files in order, its truth, and how much there is of it."""

    paths: list[str]
    truth: str
    file_bytes: int
    text_bytes: int
    records: int
    kinds: dict[str, int]
    cpu_s: float


class Crawl:
    """Makes the records of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._seed, self._words = plan, plan.seed, words()
        hosts = min(max(plan.size // HOST_BYTES, MIN_HOSTS * len(LANGUAGES)), MAX_HOSTS)
        self._hosts = [max(MIN_HOSTS, round(hosts * share)) for share in LANGUAGE_SHARES]
        self._furniture = [
            [self._host(language, n) for n in range(count)] for language, count in enumerate(self._hosts)
        ]
        self._marks = [mark.encode() for language in LANGUAGES for mark in _MARKS[language]]
        # lengths of stories: log-normal, in steps of whole blocks of clauses
        quantiles = np.random.default_rng(plan.seed).lognormal(np.log(56), 0.7, 4096)
        self._lengths = (np.clip(quantiles, *STORY_CLAUSES) / CLAUSES).astype(np.int64) * CLAUSES

    def batches(self) -> Iterator[list[tuple[bytes, bytes, str, int]]]:
        """Records without end, in batches: the line of the crawl, that of the truth, the kind, the bytes of the text."""
        return (self.batch(first) for first in itertools.count(0, BATCH))

    def batch(self, first: int) -> list[tuple[bytes, bytes, str, int]]:
        """The records from `first` on, as in `batches`; `first` is any multiple of `BATCH`."""
        numbers = np.arange(first, first + BATCH, dtype=np.uint64)
        kinds = self._kinds(numbers)
        sources = self._sources(numbers, kinds)
        languages = self._languages(sources)
        texts = self._stories(sources, languages)
        homes = self._homes(sources, languages)
        away = kinds == KINDS.index("syndicated")
        hosts = np.where(away, self._away(numbers, languages, homes), homes)
        pages = np.where(kinds == KINDS.index("exact"), sources, numbers)
        days = np.datetime_as_string(np.datetime64("2024-01-01T06:00:00") + (pages.astype(np.int64) * 7) % 31_536_000)
        draws = mixed(self._seed, _COUNT, pages)
        columns = (numbers, kinds, sources, pages, languages, hosts, days, draws)
        made = []
        for text, *facts in zip(texts, *(column.tolist() for column in columns), strict=True):
            made.append(self._record(text, *facts))
        return made

    def _kinds(self, numbers: U64) -> I64:
        plan = self._plan
        edges = np.cumsum([1 - plan.copies - OTHER_SHARE, plan.exact, plan.near, plan.syndicated])
        kinds = np.searchsorted(edges, share_of(mixed(self._seed, _KIND, numbers)), "right")
        return np.where(numbers == 0, 0, np.minimum(kinds, len(KINDS) - 1)).astype(np.int64)

    def _sources(self, numbers: U64, kinds: I64) -> U64:
        """The number of the original of each record; its own where it is none's copy."""
        sources = numbers.copy()
        open_ = np.flatnonzero((kinds > 0) & (kinds < KINDS.index("other")))
        for attempt in itertools.count():
            if not len(open_):
                return sources
            own = numbers[open_]
            draws = mixed(self._seed, _SOURCE, own, attempt)
            # half of the copies stand within 2,000 records of their original, the others anywhere behind it
            span = np.where(mixed(self._seed, _FAR, own) % np.uint64(2) == 0, np.minimum(own, np.uint64(2000)), own)
            drawn = own - np.uint64(1) - draws % span
            wire = (kinds[open_] == KINDS.index("syndicated")) & (own % np.uint64(2) == 0)
            drawn = np.where(wire, drawn - drawn % np.uint64(64), drawn)
            sources[open_] = drawn
            if attempt == 32:  # whatever the shares: record 0 is an original
                sources[open_] = 0
            open_ = open_[self._kinds(sources[open_]) != 0]
        raise AssertionError("attempts are counted without end")

    def _languages(self, sources: U64) -> I64:
        drawn = np.searchsorted(
            np.cumsum(LANGUAGE_SHARES)[:-1], share_of(mixed(self._seed, _LANGUAGE, sources)), "right"
        )
        return drawn.astype(np.int64)

    def _homes(self, sources: U64, languages: I64) -> I64:
        # the square of a draw: some hosts have many pages, some few
        share = share_of(mixed(self._seed, _HOST, sources)) ** 2
        hosts: I64 = (share * np.array(self._hosts)[languages]).astype(np.int64)
        return hosts

    def _away(self, numbers: U64, languages: I64, homes: I64) -> I64:
        others = np.array(self._hosts)[languages] - 1
        step = mixed(self._seed, _HOST, numbers, 1) % others.astype(np.uint64)
        hosts: I64 = (homes + 1 + step.astype(np.int64)) % (others + 1)
        return hosts

    def _stories(self, sources: U64, languages: I64) -> list[bytes]:
        """The text of each story: paragraphs with a line feed after each, the last without."""
        lengths = self._lengths[(mixed(self._seed, _LENGTH, sources) % np.uint64(len(self._lengths))).astype(np.int64)]
        ends = np.cumsum(lengths)
        inner = (np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)).astype(np.uint64)
        draws = stirred(np.repeat(mixed(self._seed, _CLAUSE, sources), lengths), inner)
        language = np.repeat(languages, lengths)
        places = self._words.starts[language] + draws % self._words.counts[language]
        marks = (draws >> np.uint64(40)) % np.uint64(8) < 3  # three in eight clauses end a sentence
        whole = inner % np.uint64(CLAUSES) == CLAUSES - 1
        stops = np.where(whole, 1 + ((draws >> np.uint64(50)) % np.uint64(2)).astype(np.int64), marks)
        stops[ends - 1] = 1
        pieces: list[bytes] = [b""] * (2 * len(places))
        pieces[::2] = map(self._words.clauses.__getitem__, places.tolist())
        pieces[1::2] = map(self._marks.__getitem__, (language * 3 + stops).tolist())
        starts = [0, *(2 * ends).tolist()]
        return [b"".join(pieces[a:b]).rstrip() for a, b in itertools.pairwise(starts)]

    def _host(self, language: int, number: int) -> tuple[bytes, bytes, bytes, list[str]]:
        """A host's name, the lines before and the line after a story, and the names that its sign-off is filled with."""
        draws = mixed(self._seed, _LINE, language, number, np.arange(12)).tolist()
        names = [self._words.drawn(language, draw) for draw in draws]
        short = 4 if language < 2 else 14
        navigation = " | ".join(name[:short].strip() for name in names[:7])
        people = [name[:3] if language < 2 else name.split()[0].title() for name in names[7:10]]
        host = f"{LANGUAGES[language]}{number}.example"
        return host.encode(), f"{navigation}\n{names[10]}\n".encode(), f"{names[11]} {host}".encode(), people

    def _record(
        self, text: bytes, number: int, kind: int, source: int, page: int, language: int, host: int, day: str, draw: int
    ) -> tuple[bytes, bytes, str, int]:
        name = KINDS[kind]
        title = text[: text.index(b"\n")] if b"\n" in text else text
        edits, noise = 0.0, False
        if name == "other":
            text = self._headlines(number, language)
        elif name in ("near", "syndicated"):
            if name == "near":
                text, edits = self._edited(text, number, EDITS[draw % len(EDITS)])
            if draw // 5 % NOISE_EVERY == 0:
                clean = text
                text = text.replace(*_NOISES[draw // 25 % len(_NOISES)])
                noise = text != clean
        host_name, head, last, people = self._furniture[language][host]
        who = people[draw % 3], people[draw // 3 % 3]
        sign_off = (_SIGN_OFF[LANGUAGES[language]] % (*who, day[:10], draw % 99_991)).encode()
        full = b"%s%s\n%s\n%s" % (head, text, sign_off, last)
        raw = b'{"id": "%d", "url": "http://www.%s/%s/%d.html%s", "date": "%sZ", "title": "%s", "text": "%s"}\n' % (
            number,
            host_name,
            day[:7].encode(),
            page,
            b"?from=%d" % number if name == "exact" else b"",
            day.encode(),
            title[:90].decode(errors="ignore").encode(),
            full.replace(b"\n", b"\\n"),
        )
        story = b"null" if name == "other" else b'"%d"' % source
        truth = b'{"id": "%d", "kind": "%s", "story": %s, "edits": %.4f, "head": 2, "tail": 2, "noise": %s}\n' % (
            number,
            name.encode(),
            story,
            edits,
            b"true" if noise else b"false",
        )
        return raw, truth, name, len(full)

    def _headlines(self, number: int, language: int) -> bytes:
        draws = mixed(self._seed, _LINE, number, np.arange(30)).tolist()
        words = [self._words.drawn(language, draw) for draw in draws]
        mark = _MARKS[LANGUAGES[language]][0]
        return "\n".join(mark.join(words[at : at + 3]) for at in range(0, 30, 3)).encode()

    def _edited(self, text: bytes, number: int, rate: float) -> tuple[bytes, float]:
        """The text with this share of its tokens replaced, at least one, and the share that it came to.

        A Han character becomes another, of another word its first letter does: a token for a token.
        """
        codes = np.frombuffer(text.decode().encode("utf-32-le"), np.uint32).copy()
        lower = codes | 32
        # unsigned: what is below the first of a range wraps far above its last
        han, letter = codes - 0x3400 <= 0x9FFF - 0x3400, lower - 97 < 26
        first = letter.copy()
        first[1:] &= ~(letter | (codes - 48 < 10))[:-1]
        tokens = np.flatnonzero(han | first)
        n = max(1, round(rate * len(tokens)))
        order = mixed(self._seed, _PLACE, number, np.arange(len(tokens)))
        places = tokens[np.argpartition(order, n - 1)[:n]]
        draws = mixed(self._seed, _LETTER, number, places)
        pool = self._words.han
        at = (draws % np.uint64(len(pool) - 1)).astype(np.int64)
        # the next of the pool where the drawn one stands there already: not the same but where it is doubled
        other = np.where(pool[at] == codes[places], pool[at + 1], pool[at])
        turned = 97 + (lower[places] - 97 + 1 + (draws % np.uint64(25)).astype(np.uint32)) % 26
        codes[places] = np.where(han[places], other, turned)
        return codes.tobytes().decode("utf-32-le").encode(), n / max(len(tokens), 1)


def make(plan: Plan, out: Path) -> Made:
    """Write a crawl and its truth.

    Args:
        plan: what it is made by.
        out: folder for `crawl-000.jsonl`, ... and `truth.jsonl`; made where it is missing, its crawl replaced.

    Raises:
        FileNotFoundError: the real texts are not there.
        ValueError: they are too few.
    """
    began = time.process_time()
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / f"crawl-{n:03}.jsonl" for n in range(plan.files)]
    made = Made([str(path) for path in paths], str(out / "truth.jsonl"), 0, 0, 0, dict.fromkeys(KINDS, 0), 0.0)
    records = itertools.chain.from_iterable(Crawl(plan).batches())
    with ExitStack() as stack:
        truth = stack.enter_context((out / "truth.jsonl").open("wb"))
        for n, path in enumerate(paths):
            goal = plan.size * (n + 1) // plan.files
            with path.open("wb") as stream:
                while made.file_bytes < goal:
                    raw, fact, kind, text_bytes = next(records)
                    stream.write(raw)
                    truth.write(fact)
                    made.file_bytes += len(raw)
                    made.text_bytes += text_bytes
                    made.records += 1
                    made.kinds[kind] += 1
    made.cpu_s = round(time.process_time() - began, 3)
    (out / "crawl.json").write_text(json.dumps({"plan": asdict(plan), **asdict(made)}, indent=1), encoding="utf-8")
    return made


def size(word: str, thousand: int = 1000) -> int:
    """Bytes, from a number that may end in KB, MB or GB: powers of 1000, or of 1024 as `--memory` of dedup has them.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", word.strip(), re.IGNORECASE)
    if not found:
        raise argparse.ArgumentTypeError(f"{word!r} is no size; say 500MB or 20GB")
    return round(float(found[1]) * float(thousand) ** " KMG".index(found[2].upper() or " "))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a crawl and say what it is; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Make a crawl of any size, with its truth.", epilog="It needs the real texts: DEDUP_DATA=FOLDER."
    )
    parser.add_argument("--size", type=size, default=size("100MB"), help="JSONL to make: 10MB, 20GB [100MB]")
    parser.add_argument("--out", type=Path, required=True, help="folder to write it in; a crawl there is replaced")
    parser.add_argument("--seed", type=int, default=1, help="draws everything [1]")
    parser.add_argument("--files", type=int, default=1, help="files to write it in [1]")
    shares = Plan(1)
    for kind in ("exact", "near", "syndicated"):
        share = getattr(shares, kind)
        parser.add_argument(
            f"--{kind}", type=float, default=share, help=f"share of {kind} copies in all records [{share}]"
        )
    parser.add_argument("--share-copies", type=float, help="share of copies of all kinds, in their proportions")
    given = parser.parse_args(arguments)
    kept = {name: getattr(given, name) for name in ("exact", "near", "syndicated")}
    if given.share_copies is not None:
        scale = given.share_copies / (sum(kept.values()) or 1)
        kept = {name: share * scale for name, share in kept.items()}
    try:
        made = make(Plan(given.size, given.seed, files=given.files, **kept), given.out)
    except (ValueError, FileNotFoundError) as wrong:
        parser.error(str(wrong))
    for name, value in asdict(made).items():
        print(f"{name:12} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
