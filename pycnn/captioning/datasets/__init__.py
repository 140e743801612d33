"""Data sets for description; each is a ``DescribedImages``.

described_scenes.py  digit scenes with a sentence for each digit, "a small red seven": no download
visual_genome.py     Visual Genome's region descriptions, read
"""

from pycnn.captioning.datasets import described_scenes, visual_genome

__all__ = ["described_scenes", "visual_genome"]
