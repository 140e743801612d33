"""Text that is measured, and broken into lines that fit."""

import pytest

from pycnn.visualize import plot_history
from pycnn.visualize.canvas import fit_text, text_width


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_what_is_drawn(bold):
    figure = plot_history({"loss": [1.0]})
    words = "Chesapeake Bay retriever (87 %)"
    text = figure.text(0, 0.5, words, fontsize=8, fontweight="bold" if bold else "normal")
    figure.draw_without_rendering()
    drawn = text.get_window_extent().width / figure.dpi
    assert text_width(words, 8, bold) == pytest.approx(drawn, rel=0.05)
    assert text_width("", 8) == text_width(" ", 8) == 0


def test_lines_fit_and_nothing_is_lost():
    words = "one two three four Bedlington_terrier_with_an_exceedingly_long_name and more"
    for width in (0.4, 0.8, 1.3, 5.0):
        lines = fit_text(words, width, 8).split("\n")
        assert all(text_width(line, 8) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == words.replace(" ", "")
    assert fit_text(words, 50, 8) == words
    assert fit_text("a b\nc", 5, 8) == "a b\nc"


def test_long_words_go_on_where_the_line_ends():
    first, *_ = fit_text("is Bedlington_terrier_with_a_long_name", 1.25, 8).split("\n")
    assert first.startswith("is Bedl")


def test_too_many_lines_end_in_an_ellipsis():
    fitted = fit_text("one two three four five six seven\neight", 0.6, 8, most=2).split("\n")
    assert len(fitted) == 3
    assert fitted[1].endswith("…")
    assert fitted[2] == "eight"
    assert all(text_width(line, 8) <= 0.6 for line in fitted)
