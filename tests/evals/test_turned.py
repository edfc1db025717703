"""Whether a sentence turns its quote round, by the judges' own reading."""

from __future__ import annotations

import pytest

from evals.turned import find_amounts, find_turns


@pytest.mark.parametrize(
    ("text", "quote", "turns"),
    [
        ("Operators are judged by alerts.", "Operators are not judged by alerts.", 1),
        ("Operators are not judged by alerts.", "Operators are judged by alerts.", 1),
        ("Pilots cannot scale alone.", "Pilots cannot scale alone.", 0),
        ("Owners decide.", "Owners decide, and no vendor does.", 0),
        ("Wait no more than 6 weeks.", "Wait at most 6 weeks.", 0),
        ("Wait at most 6 weeks.", "Wait at least 6 weeks.", 1),
        ("Train operators after go-live.", "Train operators before go-live.", 1),
        ("More alarms come.", "Fewer alarms come.", 1),
        ("Scrap falls by 5 percentage points.", "Scrap falls by 5 percent.", 1),
        ("Effects take 12 to 18 weeks.", "Effects take 12 to 18 months.", 2),
        ("Effects take 12 months at least.", "Effects take 12 to 18 months.", 0),
        ("A six-week shadow.", "A shadow of six weeks.", 0),
    ],
)
def test_a_turn_is_found_both_ways(text: str, quote: str, turns: int) -> None:
    assert len(list(find_turns(text, quote))) == turns


def test_a_range_has_one_unit() -> None:
    assert find_amounts("12 to 18 months, 5 % and 3 lines") == {("12", "month"), ("18", "month"), ("5", "%"), ("3", "")}
