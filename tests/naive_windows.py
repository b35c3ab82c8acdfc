"""The oracle of repeated tokens for long texts: every shortest window that weighs enough, as a tuple in a set. No code of dedup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import naive

Window = tuple[int, ...]


def windows(tokens: Sequence[int], least: int) -> Iterator[tuple[int, int]]:
    """The windows that weigh enough and would not without their first, or their last, token; any run that weighs enough is
    made of such windows. In order of their ends."""
    weights = [2 if token % 2 else 1 for token in tokens]
    start = total = 0
    for end in range(len(tokens)):
        total += weights[end]
        while total - weights[start] >= least:  # the shortest one that ends here
            if total - weights[end] < least:  # it is the shortest one from its start as well
                yield start, end + 1
            total -= weights[start]
            start += 1
        if total >= least:
            yield start, end + 1


def repeated_tokens(
    texts: Sequence[Sequence[int]], least: int, standing: Sequence[Sequence[int]] = ()
) -> set[tuple[int, int]]:
    """(text, place) of every token in a run of tokens that weighs enough and stood before: in an earlier text, or at an earlier
    place of the same one, or in one of the texts that are `standing` anyhow."""
    seen = {tuple(text[start:end]) for text in standing for start, end in windows(text, least)}
    found = set()
    for number, text in enumerate(texts):
        for start, end in windows(text, least):
            window = tuple(text[start:end])
            if window in seen:
                found |= {(number, place) for place in range(start, end)}
            seen.add(window)
    return found


def values(data: bytes, han: naive.Han) -> list[int]:
    """The values of the tokens of a text."""
    return [naive.token_value(token) for token in naive.tokens(data, han)]
