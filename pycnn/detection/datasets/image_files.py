"""Images that lie in files, each read when it is asked for."""

from collections.abc import Sequence

import numpy as np

from pycnn.preprocessing.image import load_img


class ImageFiles(Sequence):
    """A sequence of images that reads a file each time one is asked for, by Pillow.

    Parameters
    ----------
    paths : sequence of str or path

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.utils import save_img
    >>> save_img("one.png", np.zeros((4, 6, 3)), scale=False)
    >>> images = ImageFiles(["one.png"])
    >>> images[0].shape, images[0].dtype
    ((4, 6, 3), dtype('uint8'))
    """

    def __init__(self, paths):
        self.paths = list(paths)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.subset(range(len(self))[index])
        return np.array(load_img(self.paths[index]))

    def subset(self, indices):
        """Return the files of these indices, unread."""
        return ImageFiles([self.paths[i] for i in indices])
