"""The kernels that find what is repeated within and across texts, each implementation against the oracle."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import naive
import numpy as np
import pytest
import strategies as some
from conftest import real_texts
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import ints

from dedup.kernels import portable

I64 = some.I64
U64 = some.U64

# pieces

MARKED = ".!?。！？|,，、;；:：…\"')]’”」』》】） \t\n\r\u3000\u00a0\ufeff3a字"


def check_pieces(kernels: ModuleType, text: np.ndarray, starts: I64, ends: I64, mode: int) -> None:
    found = kernels.pieces(text, starts, ends, mode)
    assert [part.dtype for part in found] == [np.int64] * 3
    expected = [
        (i, start + low, start + high)
        for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        for low, high in naive.pieces_of(text[start:end].tobytes(), mode)
    ]
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


@given(layout=some.layouts(st.text(MARKED, max_size=30).map(str.encode)), mode=st.integers(0, 2))
def test_pieces_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64], mode: int) -> None:
    check_pieces(kernels, *layout, mode)


@given(layout=some.layouts(), mode=st.integers(0, 2))
def test_pieces_of_any_text_are_the_oracles(kernels: ModuleType, layout: tuple[Any, I64, I64], mode: int) -> None:
    check_pieces(kernels, *layout, mode)


@pytest.mark.parametrize(
    ("mode", "text", "expected"),
    [
        (0, "Pi is 3.14. It is?No! 好。不好。」 是。||a|b|||c |d", ["Pi is 3.14.", "It is?No!", "好。不好。」", "是。||", "a|b|||", "c |d"]),
        (1, "e.g.x 3.14 (a.) b?!”c 好。。」不好！是…好；a, b", ["e.g.x 3.14 (a.)", "b?!”", "c 好。。」", "不好！", "是…好；a, b"]),
        (2, "1,000:30 a,b；c：3、4,x 5.", ["1,000:30 a,", "b；", "c：", "3、", "4,", "x 5."]),
        (1, "  \u3000。\n\ufeff.\ufeff a. \r\n", ["。", ".\ufeff a."]),
        (1, "", []),
        (2, "\u00a0", []),
    ],
)
def test_pieces_of_a_text(kernels: ModuleType, mode: int, text: str, expected: list[str]) -> None:
    data = text.encode()
    owner, starts, ends = kernels.pieces(np.frombuffer(data, np.uint8), ints(0), ints(len(data)), mode)
    assert [data[start:end].decode() for start, end in zip(starts, ends, strict=True)] == expected
    assert owner.tolist() == [0] * len(expected)


def test_pieces_of_no_such_mode(kernels: ModuleType) -> None:
    text = np.zeros(3, np.uint8)
    for mode in (-1, 3, 2**70):
        with pytest.raises(ValueError, match="^mode must be 0, 1 or 2$"):
            kernels.pieces(text, ints(0), ints(3), mode)
    with pytest.raises(ValueError, match="^every text range must satisfy"):
        kernels.pieces(text, ints(0), ints(4), 3)
