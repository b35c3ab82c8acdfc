"""The public names."""

from __future__ import annotations

import dedup


def test_all_is_sorted_and_complete() -> None:
    assert dedup.__all__ == sorted(dedup.__all__)
    assert set(dedup.__all__) == set(dedup._HOMES)
    for name in dedup.__all__:
        assert getattr(dedup, name).__doc__, f"{name} has no docstring"


def test_unknown_names_are_attribute_errors() -> None:
    assert not hasattr(dedup, "nothing_of_that_name")
