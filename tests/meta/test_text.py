"""Numbers and tables as text."""

import pytest

from fixtures.common.text import markdown_table, ranges


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([3], "3"), ([1, 2, 3], "1-3"), ([1, 2, 5, 7, 8], "1-2, 5, 7-8")],
)
def test_ascending_integers_are_written_as_ranges(numbers, text):
    assert ranges(numbers) == text


def test_a_table_has_a_line_for_each_row():
    assert markdown_table(["a", "b"], [[1, "x"], [2, "y"]], right=["b"]) == [
        "| a | b |",
        "|---|--:|",
        "| 1 | x |",
        "| 2 | y |",
    ]
