from hypothesis import given
from hypothesis import strategies as st

from advisor.text import content_stems, figures, normalise, slugify, split_sentences


def test_sentences_end_at_full_stops_and_not_at_abbreviations() -> None:
    text = "Use one tool, e.g. Catalyst Center. It costs 2.5 million. Why? Because."
    assert split_sentences(text) == [
        "Use one tool, e.g. Catalyst Center.",
        "It costs 2.5 million.",
        "Why?",
        "Because.",
    ]


def test_figures_are_found_as_digits_and_as_words() -> None:
    assert figures("Between 12 and 18 months, 2.3x, 1,000 leaders, six weeks") == {"12", "18", "2.3", "1000", "6"}


def test_figures_do_not_include_numbers_inside_names() -> None:
    assert figures("ISO27001 and S4") == set()


def test_content_stems_drop_words_without_meaning() -> None:
    assert content_stems("What should we do about the operators' trust?") == ("oper", "trust")


@given(st.text())
def test_normalise_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_slugs_are_plain(text: str) -> None:
    assert all(character.isalnum() or character == "-" for character in slugify(text))


@given(st.text(alphabet="abc DEF.?!"))
def test_sentences_keep_every_word(text: str) -> None:
    assert " ".join(split_sentences(text)).split() == normalise(text).split()
