"""Images with sentences about their regions, written beside them, and the words that a model thinks of at each step."""

from typing import NamedTuple

import numpy as np

from pycnn.autograd import as_tensor
from pycnn.captioning import DescribedRegions, tokenize
from pycnn.captioning.vocabulary import END, SPECIAL
from pycnn.detection import box_iou
from pycnn.visualize.canvas import (
    BLUE,
    CURVES,
    FRAME,
    GREEN,
    GREY,
    INK,
    RED,
    class_colour,
    draw_rectangle,
    fit_text,
    new_figure,
    title_height,
)
from pycnn.visualize.grid import Block, as_image, draw_heading, draw_image, heading_width
from pycnn.visualize.labelled import ALARM, PANEL, Overlay, counted_title, equally_many

_SIZE, _LINE, _GAP = 8, 0.16, 0.1  # points of sentences, inches of a line and between things
_SENTENCE = 2.3  # inches of the sentences beside an image
_NUMBER, _SCORE = 0.24, 0.34  # inches before a sentence, and after it
_OTHERWISE = CURVES[3]
_HINTED = 1.05  # letters are so much wider where they are fitted to a screen's pixels


class _Entry(NamedTuple):
    """A region in a picture, and what is written beside it: (text, colour) of each sentence."""

    box: np.ndarray
    colour: str
    style: str
    sentences: list
    score: str = ""


def plot_captions(
    images,
    regions,
    truth=None,
    iou_threshold=0.5,
    score_threshold=0.0,
    max_regions=10,
    max_images=6,
    columns=None,
    title=None,
):
    """Draw boxes with numbers, and beside the image the sentence of each; with the truth, also what is right.

    With the truth a region is green if its sentence is right in each word, violet if not, with the right one beneath,
    and orange if there is none of its own. Those that were not found are red and dashed, and come last.

    Parameters
    ----------
    images : image or sequence of images
        Each (height, width), (height, width, 1) or (height, width, 3).
    regions : DescribedRegions or sequence of DescribedRegions
        One for each image; the most certain ones come first.
    truth : DescribedRegions or sequence of DescribedRegions, optional
    iou_threshold : float
        A box belongs to the true one that it overlaps most, if by so much or more, and if no more certain one does.
    score_threshold : float
        Leave out what is less certain.
    max_regions, max_images : int
        Draw no more than so many, in an image and in all; beneath or above it says how many there are.
    columns : int, optional
        Images side by side, each with its sentences; two of several unless given.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        For each image two axes: one with the boxes, one with the sentences.

    Examples
    --------
    >>> found = DescribedRegions([[4, 4, 20, 24]], ["a small red seven"], [0.75])
    >>> figure = plot_captions(np.zeros((32, 32, 3), np.uint8), found)
    >>> [text.get_text() for text in figure.axes[1].texts]
    ['1', 'a small red seven', '0.75']
    """
    images, regions = equally_many(DescribedRegions, images, regions=regions)
    images = [as_image("images", image) for image in images]
    regions = [_certain(found, score_threshold) for found in regions]
    total = sum(map(len, regions))
    legend, words = [], f"{total} region{_plural(total)}"
    if truth is None:
        entries = [_entries(found) for found in regions]
    else:
        _, truth = equally_many(DescribedRegions, images, truth=truth)
        compared = [_compared(*pair, iou_threshold) for pair in zip(regions, truth, strict=True)]
        entries = [one for one, _ in compared]
        right, other, missed, alarms = np.sum([counts for _, counts in compared], axis=0)
        words = f"{right} right, {other} in other words, {missed} missed, {alarms} false alarm{_plural(alarms)}"
        legend = [("right", GREEN), ("in other words", _OTHERWISE), ("missed", RED), ("false alarm", ALARM)]
    shown = min(len(images), max_images)
    title = title or counted_title(words, len(images), shown)
    entries = [(own[:max_regions], len(own) - max_regions) for own in entries]
    return _cards(images[:shown], entries[:shown], title, legend, columns or min(shown, 2))


def _plural(count):
    return "" if count == 1 else "s"


def _certain(found, threshold):
    if found.scores is None:
        return found
    order = np.argsort(-found.scores, kind="stable")
    return found[order[found.scores[order] >= threshold]]


def _scores(found):
    return [""] * len(found) if found.scores is None else [f"{score:.2f}" for score in found.scores]


def _entries(found):
    rows = zip(found.boxes, found.captions, _scores(found), strict=True)
    return [_Entry(box, class_colour(i), "-", [(said, INK)], score) for i, (box, said, score) in enumerate(rows)]


def _compared(found, truth, iou_threshold):
    """The entries of what was found and of what was missed, and how many are right, otherwise, missed and alarms."""
    shares = as_tensor(box_iou(found.boxes, truth.boxes)).numpy()
    entries, free, right = _entries(found), set(range(len(truth))), 0
    for i, entry in enumerate(entries):
        said, best = found.captions[i], int(shares[i].argmax()) if len(truth) else -1
        if best not in free or shares[i, best] < iou_threshold:
            colour, sentences = ALARM, [said]
        elif tokenize(said) == tokenize(truth.captions[best]):
            free.remove(best)
            colour, sentences, right = GREEN, [said], right + 1
        else:
            free.remove(best)
            colour, sentences = _OTHERWISE, [said, f"is: {truth.captions[best]}"]
        entries[i] = entry._replace(colour=colour, sentences=list(zip(sentences, (colour, GREY), strict=False)))
    entries += [_Entry(truth.boxes[j], RED, "--", [(truth.captions[j], RED)]) for j in sorted(free)]
    other = len(truth) - len(free) - right
    return entries, (right, other, len(free), len(found) - right - other)


def _cards(images, entries, title, legend, columns):
    """Images in rows, each with its sentences on its right."""
    aspect = float(np.median([image.shape[0] / image.shape[1] for image in images]))
    aspect = min(max(aspect, 1 / 3), 3.0)
    wide, high = PANEL * aspect**-0.5, PANEL * aspect**0.5
    column = wide + _SENTENCE + 3 * _GAP
    width = max(columns * column + _GAP, heading_width(Block([], legend=legend)) + 2 * _GAP)
    texts = [_lines(own, more) for own, more in entries]
    heights = [max(high, sum(len(rows) for *_, rows, _ in lines) * _LINE + len(lines) * 0.05) for lines in texts]
    tops, y = [], title_height(title, width) + (0.26 if legend else 0)
    for first in range(0, len(images), columns):
        tops.append(y)
        y += max(heights[first : first + columns]) + _GAP
    figure = new_figure(width, y, title, layout=None)
    if legend:
        draw_heading(figure, Block([], legend=legend), title_height(title, width))
    for i, (image, (own, _), lines) in enumerate(zip(images, entries, texts, strict=True)):
        left, top = _GAP + i % columns * column, tops[i // columns]
        axis = _axis(figure, left, top, wide, high)
        draw_image(axis, image)
        overlay = Overlay(axis, image)
        for entry in own[::-1]:
            overlay.box(entry.box, entry.colour, 1.5, entry.style)
        for number, entry in enumerate(own, 1):
            overlay.label(entry.box, str(number), entry.colour)
        _write(_inches(figure, left + wide + _GAP, top, _SENTENCE, heights[i]), lines)
    return figure


def _lines(entries, more):
    """Number, colour, lines of text with their colours, and score of each entry; and how many are left out."""
    room, found = (_SENTENCE - _NUMBER - _SCORE) / _HINTED, []
    for number, entry in enumerate(entries, 1):
        rows = [(line, ink) for said, ink in entry.sentences for line in fit_text(said, room, _SIZE).split("\n")]
        found.append((str(number), entry.colour, rows, entry.score))
    if more > 0:
        found.append(("", GREY, [(f"and {more} more", GREY)], ""))
    return found or [("", GREY, [("nothing", GREY)], "")]


def _write(axis, lines):
    y = 0.0
    for number, colour, rows, score in lines:
        style = {"fontsize": _SIZE, "va": "center_baseline"}
        if number:
            draw_rectangle(axis, (0.0, y + 0.01), _NUMBER - 0.06, _LINE - 0.02, colour, 0, fill=0.9)
            axis.text(
                _NUMBER / 2 - 0.03, y + _LINE / 2, number, color="white", ha="center", **style | {"fontsize": 6.5}
            )
        for i, (line, ink) in enumerate(rows):
            axis.text(_NUMBER, y + (i + 0.5) * _LINE, line, color=ink, **style)
        if score:
            axis.text(_SENTENCE, y + _LINE / 2, score, color=GREY, ha="right", **style)
        y += len(rows) * _LINE + 0.05


def _axis(figure, left, top, wide, high):
    """An axis at a place in inches from the upper left."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))


def _inches(figure, left, top, wide, high):
    """An axis without ticks or frame whose units are inches from its upper left."""
    axis = _axis(figure, left, top, wide, high)
    axis.set(xlim=(0, wide), ylim=(high, 0))
    axis.axis("off")
    return axis


_WORD, _BAR, _PERCENT = 0.82, 0.42, 0.4  # inches: of a word, of the longest bar, of its number
_STEP = _WORD + _BAR + _PERCENT + 0.2


def plot_word_scores(probabilities, words, chosen=None, best=5, image=None, boxes=None, columns=6, title=None):
    """Draw the words that a model holds most probable at each step of its sentences.

    Parameters
    ----------
    probabilities : (steps, words) or (regions, steps, words)
        At each step, of each word.
    words : Vocabulary or sequence of str
        What the numbers of words stand for.
    chosen : (steps,) or (regions, steps) integers, optional
        The words that were said, drawn in blue; those of the highest probability unless given. Steps after the end of
        a sentence are left out.
    best : int
        How many words of each step; one that was said and is less probable comes below.
    image, boxes : image and (regions, 4), optional
        The regions are drawn beside their words, cut out of the image.
    columns : int
        Steps side by side.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_word_scores([[0.1, 0.7, 0.2], [0.6, 0.1, 0.3]], ["a", "red", "hat"], best=2)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['red', '70 %', 'hat', '20 %']
    """
    names = [str(word) for word in getattr(words, "tokens", words)]
    probabilities, chosen = _checked_words(probabilities, names, chosen)
    end = names.index(SPECIAL[END]) if SPECIAL[END] in names else -1
    lengths = [row.index(end) + 1 if end in row else len(row) for row in chosen.tolist()]
    crops = [] if image is None else _crops(as_image("image", image), boxes, len(lengths))
    aside = 1.1 + _GAP if crops else 0.0
    columns = min(columns, max(lengths))
    width = max(aside + columns * _STEP + _GAP, 3.0)
    title = title or f"The {best} best words at each step"
    sentences = [" ".join(names[word] for word in row[:n]) for row, n in zip(chosen.tolist(), lengths, strict=True)]
    sentences = [fit_text(said, (width - 2 * _GAP) / _HINTED, 8.5, most=1) for said in sentences]
    block, y, tops = best * _LINE + 0.1, title_height(title, width), []
    for n in lengths:
        tops.append(y)
        y += 0.26 + max(-(-n // columns) * block, 1.1 if crops else 0.0) + _GAP
    figure = new_figure(width, y, title, layout=None)
    for r, (top, n, said) in enumerate(zip(tops, lengths, sentences, strict=True)):
        figure.text(_GAP / width, 1 - (top + 0.1) / y, said, fontsize=8.5, color=INK, va="center")
        if crops:
            draw_image(_axis(figure, _GAP, top + 0.26, 1.1, 1.1), crops[r])
        for t in range(n):
            left, row = _GAP + aside + t % columns * _STEP, top + 0.26 + t // columns * block
            axis = _inches(figure, left, row, _STEP - 0.2, best * _LINE)
            _draw_step(axis, probabilities[r, t], int(chosen[r, t]), names, best)
    return figure


def _checked_words(probabilities, names, chosen):
    probabilities = np.asarray(probabilities, np.float64)
    shape = probabilities.shape
    if probabilities.ndim == 2:
        probabilities = probabilities[None]
    if probabilities.ndim != 3 or probabilities.shape[2] != len(names) or not probabilities.size:
        raise ValueError(
            f"probabilities must be (steps, {len(names)}) or (regions, steps, {len(names)}), one for each word. "
            f"Received: probabilities.shape={shape}"
        )
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        raise ValueError(f"probabilities must lie in 0..1. Received: {probabilities.min()} to {probabilities.max()}")
    chosen = probabilities.argmax(axis=2) if chosen is None else np.asarray(chosen).reshape(-1, np.shape(chosen)[-1])
    if chosen.shape != probabilities.shape[:2] or chosen.min() < 0 or chosen.max() >= len(names):
        raise ValueError(
            f"chosen must be a word's number, 0 to {len(names) - 1}, for each region and step. "
            f"Received: chosen.shape={chosen.shape} from {chosen.min()} to {chosen.max()}"
        )
    return probabilities, chosen


def _crops(image, boxes, count):
    """The regions cut out of an image, whole pixels; at least one."""
    boxes = np.reshape([] if boxes is None else boxes, (-1, 4))
    if len(boxes) != count:
        raise ValueError(f"boxes must be one for each of the {count} regions. Received: {len(boxes)} boxes")
    height, width = image.shape[:2]
    crops = []
    for x1, y1, x2, y2 in boxes:
        left, top = (int(np.clip(np.floor(low), 0, most - 1)) for low, most in ((x1, width), (y1, height)))
        crops.append(image[top : max(int(np.ceil(y2)), top + 1), left : max(int(np.ceil(x2)), left + 1)])
    return crops


def _draw_step(axis, probabilities, chosen, names, best):
    """Words with bars as long as they are probable, the one that was said in blue."""
    order = np.argsort(-probabilities, kind="stable")[:best]
    if chosen not in order:
        order[-1] = chosen
    for i, word in enumerate(order):
        y, share = (i + 0.5) * _LINE, float(probabilities[word])
        said = word == chosen
        text = fit_text(names[word], (_WORD - 0.05) / _HINTED, 7.5, most=1)
        style = {"fontsize": 7.5, "va": "center_baseline", "color": BLUE if said else INK}
        axis.text(0.0, y, text, **style)
        draw_rectangle(axis, (_WORD, y - 0.045), max(share * _BAR, 0.005), 0.09, BLUE if said else FRAME, 0, fill=1.0)
        axis.text(_WORD + _BAR + 0.05, y, f"{100 * share:.0f} %", **style | {"color": GREY})
