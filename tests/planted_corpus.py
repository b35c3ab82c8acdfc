"""A corpus of which all is known: unlike texts, copies of some at stated rates, texts that share a template, texts that share a passage."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass, field
from itertools import combinations

RATES = (0.01, 0.02, 0.04, 0.05, 0.08, 0.1, 0.14)
SYLLABLES = [
    a + b
    for a in ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z")
    for b in ("a", "e", "i", "o", "u", "ar", "en", "il")
]


@dataclass
class Planted:
    """Texts as lists of tokens, with what is true of them.

    `copies`: (original, copy, rate); `unlike`: pairs that are alike, but no copies.
    """

    chinese: bool
    texts: list[list[str]] = field(default_factory=list)
    copies: list[tuple[int, int, float]] = field(default_factory=list)
    unlike: list[tuple[int, int]] = field(default_factory=list)

    def alike(self) -> list[tuple[int, int]]:
        """The pairs of copies: a text with each of its copies, and those with one another; of equal texts none."""
        families: dict[int, list[int]] = {}
        for original, copy, _ in self.copies:
            families.setdefault(original, [original]).append(copy)
        pairs = [pair for family in families.values() for pair in combinations(family, 2)]
        return [(i, j) for i, j in pairs if self.texts[i] != self.texts[j]]

    def lines(self) -> list[str]:
        """The texts as they are written, in the order of their numbers."""
        return [("" if self.chinese else " ").join(text) for text in self.texts]


def planted(
    seed: int, *, chinese: bool = False, texts: int = 2000, copies: int = 600, templates: int = 40, splices: int = 150,
    members: int = 6, fillers: int = 6, lengths: tuple[int, int] = (14, 120), rates: tuple[float, ...] = RATES,
) -> Planted:  # fmt: skip
    """Make a corpus.

    Args:
        seed: draws it.
        chinese: letters of Han, one a token, in place of words.
        texts: unlike ones; lengths: their tokens.
        rates: of the edits.
        copies: of them have a copy each, some two.
        templates: of `members` texts each, with two to five slots, each filled with one of `fillers` stretches of one to six tokens.
        splices: pairs of texts that share a passage of 40 to 80 %.
    """
    dice = random.Random(seed)
    words = _words(dice, chinese)
    made = Planted(chinese)

    def text(n: int) -> list[str]:
        return [words[min(int(dice.paretovariate(0.9)) + dice.randrange(40), len(words)) - 1] for _ in range(n)]

    for _ in range(texts):
        made.texts.append(text(int(lengths[0] * (lengths[1] / lengths[0]) ** dice.random())))
    for original in dice.choices(range(texts), k=copies):
        rate = dice.choice(rates)
        made.copies.append((original, len(made.texts), rate))
        made.texts.append(_edited(made.texts[original], rate, text, dice))
    for _ in range(templates):
        frame, slots = text(dice.randrange(lengths[0] + 6, lengths[1] * 2 // 3)), dice.randrange(2, 6)
        places = sorted(dice.sample(range(len(frame)), slots))
        first = len(made.texts)
        choices = [[text(dice.randrange(1, 7)) for _ in range(fillers)] for _ in places]
        for _ in range(members):
            one = list(frame)
            for place, choice in zip(reversed(places), choices, strict=True):
                one[place : place + 1] = dice.choice(choice)
            if one not in made.texts[first:]:
                made.texts.append(one)
        made.unlike += combinations(range(first, len(made.texts)), 2)
    for _ in range(splices):
        n = dice.randrange(lengths[0] + 10, lengths[1])
        shared = text(int(n * dice.uniform(0.4, 0.8)))
        made.unlike.append((len(made.texts), len(made.texts) + 1))
        made.texts += [_around(shared, text(n - len(shared)), dice) for _ in range(2)]
    return made


def _words(dice: random.Random, chinese: bool) -> list[str]:
    if chinese:
        return [
            chr(0x4E00 + i)
            for i in dice.sample(range(1, 5000), 2500)
            if unicodedata.numeric(chr(0x4E00 + i), None) is None
        ]
    return list(dict.fromkeys("".join(dice.choices(SYLLABLES, k=dice.randrange(2, 5))) for _ in range(4000)))


def _around(shared: list[str], own: list[str], dice: random.Random) -> list[str]:
    cut = dice.randrange(len(own) + 1)
    return own[:cut] + shared + own[cut:]


def _edited(text: list[str], rate: float, draw: object, dice: random.Random) -> list[str]:
    """Replace, delete or add a token in max(1, rate x tokens) places of its own each."""
    result: list[list[str]] = [[token] for token in text]
    for place in dice.sample(range(len(text)), max(1, round(rate * len(text)))):
        kind, new = dice.randrange(3), draw(1)  # type: ignore[operator]
        while new[0] == text[place]:  # else it would be no edit
            new = draw(1)  # type: ignore[operator]
        result[place] = new if kind == 0 else [] if kind == 1 else [text[place], *new]
    return [token for part in result for token in part]


def edit_similarity(a: list[str], b: list[str]) -> float:
    """1 - Levenshtein distance / longer length, row by row (Wagner, Fischer, 1974)."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return 1 - row[-1] / max(len(a), len(b))


def jaccard(a: list[str], b: list[str], k: int = 3) -> float:
    """Of the runs of k tokens that either text has, the share that both have."""
    one, two = ({tuple(text[i : i + k]) for i in range(len(text) - k + 1)} for text in (a, b))
    return len(one & two) / len(one | two)
