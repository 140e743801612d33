"""image_dataset_from_directory: a folder of pictures as a data set."""

import copy
import os

import numpy as np

from pycnn import config
from pycnn.data.dataset import Dataset
from pycnn.data.sources import Stage
from pycnn.models.dataset import PyDataset, read_ahead
from pycnn.preprocessing.image import (
    COLOR_MODES,
    INTERPOLATIONS,
    img_to_array,
    load_img,
    middle,
    pillow,
    read_color_mode,
    read_data_format,
    resize,
)
from pycnn.threads import get_num_threads

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


def image_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    color_mode="rgb",
    batch_size=32,
    image_size=(256, 256),
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    interpolation="bilinear",
    follow_links=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    data_format=None,
    format="tf",
    verbose=True,
):
    """Make a data set of the pictures in a folder, one subfolder a class.

    Parameters
    ----------
    directory : str or path
    labels : "inferred", None, or list of ints
        The subfolders say the classes, there are none, or one number for each file in the order of the paths.
    label_mode : {"int", "categorical", "binary", None}
        Labels as int32 (batch,), as one-hot rows, as 0.0 and 1.0 of shape (batch, 1), or none.
    class_names : list of str, optional
        The subfolders to use, in this order; by default all, in the order of the alphabet.
    color_mode : {"rgb", "grayscale", "rgba"}
    batch_size : int or None
        With None, each item is one picture.
    image_size : tuple (height, width), or int
    shuffle : bool
        Whether the order changes, anew in each epoch. Without it files come in the order of the alphabet.
    seed : int, optional
        Of the order. The files fall into the subsets that Keras makes with the same seed.
    validation_split : float, optional
        This fraction of the files is for validation.
    subset : {"training", "validation", "both"}, optional
        Which part to return; "both" returns two data sets.
    interpolation : {"bilinear", "nearest", "bicubic", "area", "lanczos3"}
        The last three are Pillow's filters. Keras's ``lanczos5``, ``gaussian`` and ``mitchellcubic`` are not there.
    follow_links : bool
        Whether to look into folders that are links.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Distort nothing: use the middle of the picture, or put zeros around it.
    data_format : {"channels_last", "channels_first"}, optional
    format : {"tf", "grain"}
        Accepted as in Keras, which returns data sets of these libraries; here it is always the same.
    verbose : bool
        Whether to print how many files were found.

    Returns
    -------
    ImageFolder, or a list of two
        A ``PyDataset`` of batches ``(images, labels)``, or of ``images`` alone. Images are float32 in 0..255. It has
        the methods of ``pycnn.data.Dataset``, too: ``map`` augments in threads, ``cache`` decodes only once.

    Raises
    ------
    ImportError
        If Pillow is missing.
    ValueError
        If there are no pictures, or arguments that do not fit.

    Examples
    --------
    >>> import os, numpy as np, pycnn
    >>> for name in ("cat", "dog"):
    ...     os.makedirs(f"pets/{name}")
    ...     pycnn.utils.save_img(f"pets/{name}/1.png", np.ones((9, 12, 3)))
    >>> data = pycnn.utils.image_dataset_from_directory("pets", image_size=(6, 6), seed=1)
    Found 2 files belonging to 2 classes.
    >>> data.class_names, [(x.shape, y.shape) for x, y in data]
    (['cat', 'dog'], [((2, 6, 6, 3), (2,))])
    """
    pillow()
    _check(labels, label_mode, class_names, validation_split, subset, shuffle, seed)
    if format not in ("tf", "grain"):
        raise ValueError(f"format must be tf or grain. Received: format={format!r}")
    read_color_mode(color_mode)
    interpolation = interpolation.lower()
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(INTERPOLATIONS)}. Received: interpolation={interpolation!r}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be chosen. "
            "Received: crop_to_aspect_ratio=True, pad_to_aspect_ratio=True"
        )
    image_size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(image_size) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in image_size):
        raise ValueError(f"image_size must be (height, width). Received: image_size={image_size!r}")
    if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
        raise ValueError(f"batch_size must be an integer >= 1 or None. Received: batch_size={batch_size!r}")
    if labels is None or label_mode is None:
        labels = label_mode = None
    directory = os.fspath(directory)
    paths, labels, class_names = _index(directory, labels, class_names, follow_links)
    if label_mode == "binary" and len(class_names) != 2:
        raise ValueError(
            f"label_mode='binary' needs two classes. Received: directory={directory!r} with the classes {class_names}"
        )
    if not paths:
        raise ValueError(
            f"There are no pictures ({', '.join(FORMATS)}) in the folder. Received: directory={directory!r}"
        )
    if verbose:
        of_classes = f" belonging to {len(class_names)} classes" if labels is not None else ""
        print(f"Found {len(paths)} files{of_classes}.")
    seed = int(config.generator().integers(1_000_000)) if seed is None else seed
    if shuffle:
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths = [paths[i] for i in order]
        labels = None if labels is None else labels[order]

    def part(first, last, reorder):
        if first == last:
            raise ValueError(
                f"validation_split={validation_split} leaves one part without any of the {len(paths)} files. "
                f"Received: directory={directory!r}"
            )
        return ImageFolder(
            paths[first:last],
            None if labels is None else labels[first:last],
            label_mode,
            class_names,
            color_mode=color_mode,
            batch_size=batch_size,
            image_size=image_size,
            interpolation=interpolation,
            fit="crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else "stretch",
            data_format=read_data_format(data_format),
            seed=seed if reorder else None,
        )

    if subset is None:
        return part(0, len(paths), shuffle)
    at = len(paths) - int(validation_split * len(paths))
    if verbose:
        if subset != "validation":
            print(f"Using {at} files for training.")
        if subset != "training":
            print(f"Using {len(paths) - at} files for validation.")
    if subset == "training":
        return part(0, at, shuffle)
    if subset == "validation":
        return part(at, len(paths), shuffle)
    return [part(0, at, shuffle), part(at, len(paths), False)]


class ImageFolder(PyDataset, Dataset):
    """Pictures from files, decoded by threads: what ``image_dataset_from_directory`` returns.

    Attributes
    ----------
    class_names : list of str, or None
    file_paths : list of str
    labels : int32 array, or None
        Of the files, in the order of ``file_paths``.
    """

    def __init__(
        self,
        file_paths,
        labels,
        label_mode,
        class_names,
        *,
        color_mode,
        batch_size,
        image_size,
        interpolation,
        fit,
        data_format,
        seed,
    ):
        threads = max(2, min(get_num_threads(), 8))
        PyDataset.__init__(self, workers=threads, max_queue_size=threads + 2)
        Dataset.__init__(self, _Files(self))
        self.file_paths, self.labels, self.class_names = file_paths, labels, class_names
        self.label_mode = label_mode
        self.color_mode, self.batch_size, self.image_size = color_mode, batch_size, image_size
        self.interpolation, self.fit, self.data_format = interpolation, fit, data_format
        self.seed = seed
        self._reorder()

    def __len__(self):
        return -(-len(self.file_paths) // (self.batch_size or 1))

    def __getitem__(self, index):
        if self.batch_size is None:
            which = self._order[index]
            images, labels = self._image(self.file_paths[which]), self._encoded([which])
            return images if labels is None else (images, labels[0])
        which = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images, labels = np.stack([self._image(self.file_paths[i]) for i in which]), self._encoded(which)
        return images if labels is None else (images, labels)

    def __iter__(self):
        yield from super().__iter__()
        self.on_epoch_end()

    as_numpy_iterator = __iter__

    def on_epoch_end(self):
        """Draw the order of the next epoch."""
        self._epoch += 1
        self._reorder()

    def set_state(self, state):
        """Go on in this epoch."""
        super().set_state(state)
        self._reorder()

    def _reorder(self):
        count = len(self.file_paths)
        if self.seed is None:
            self._order = np.arange(count)
        else:
            self._order = np.random.default_rng([self.seed, self._epoch]).permutation(count)

    def _encoded(self, which):
        if self.labels is None:
            return None
        labels = self.labels[which]
        if self.label_mode == "categorical":
            return np.eye(len(self.class_names), dtype=np.float32)[labels]
        return labels.astype(np.float32)[:, None] if self.label_mode == "binary" else labels

    def _image(self, path):
        try:
            picture = np.asarray(load_img(path, self.color_mode))
        except OSError as error:
            raise OSError(f"The picture cannot be read ({error}). Received: path={path!r}") from error
        picture = picture.reshape(*picture.shape[:2], COLOR_MODES[self.color_mode])
        height, width = self.image_size
        if self.fit == "crop":
            top, left, crop_height, crop_width = middle(*picture.shape[:2], height, width)
            picture = picture[top : top + crop_height, left : left + crop_width]
        if self.fit == "pad":
            image = self._padded(picture)
        else:
            image = resize(picture, self.image_size, self.interpolation)
        return img_to_array(image, self.data_format, "float32")

    def _padded(self, picture):
        """As large as fits in, with zeros around."""
        (height, width), (old_height, old_width) = self.image_size, picture.shape[:2]
        ratio = max(old_width / width, old_height / height)
        inner_height, inner_width = max(1, int(old_height / ratio)), max(1, int(old_width / ratio))
        top, left = (height - inner_height) // 2, (width - inner_width) // 2
        image = np.zeros((height, width, picture.shape[2]), np.float32)
        image[top : top + inner_height, left : left + inner_width] = resize(
            picture, (inner_height, inner_width), self.interpolation
        )
        return image


class _Files(Stage):
    """The batches of a folder, in the order of the epoch of who reads them."""

    count = property(lambda self: len(self.source))

    def elements(self, run, skip=0):
        """Return an iterator over batches, which threads decode."""
        folder = copy.copy(self.source)
        folder.set_state({"epoch": run.epoch})
        with run.scope(0):
            return read_ahead(folder, range(skip, len(folder)))


def _check(labels, label_mode, class_names, validation_split, subset, shuffle, seed):
    if labels not in ("inferred", None) and not isinstance(labels, (list, tuple)):
        raise ValueError(f"labels must be 'inferred', None or a list of integers. Received: labels={labels!r}")
    if class_names is not None and labels != "inferred":
        raise ValueError(f"class_names go with labels='inferred'. Received: class_names={class_names}, labels={labels}")
    if label_mode not in _LABEL_MODES:
        raise ValueError(f"label_mode must be one of {_LABEL_MODES}. Received: label_mode={label_mode!r}")
    if subset not in _SUBSETS:
        raise ValueError(f"subset must be one of {_SUBSETS}. Received: subset={subset!r}")
    if validation_split is not None and not 0 < validation_split < 1:
        raise ValueError(f"validation_split must lie between 0 and 1. Received: validation_split={validation_split!r}")
    if (validation_split is None) != (subset is None):
        raise ValueError(
            "validation_split and subset go together. "
            f"Received: validation_split={validation_split!r}, subset={subset!r}"
        )
    if validation_split and shuffle and seed is None and subset != "both":
        raise ValueError(
            "A part of shuffled files needs a seed, or the parts may overlap. Received: seed=None, shuffle=True"
        )


def _index(directory, labels, class_names, follow_links):
    """Return paths, labels and names of the classes, in the order of the alphabet."""
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"There is no such folder. Received: directory={directory!r}")
    if not isinstance(labels, str):
        paths = _pictures(directory, follow_links)
        if labels is None:
            return paths, None, None
        if len(labels) != len(paths):
            raise ValueError(f"labels must be as many as the {len(paths)} files. Received: {len(labels)} labels")
        return paths, np.asarray(labels, np.int32), [str(label) for label in sorted(set(labels))]
    folders = sorted(e.name for e in os.scandir(directory) if e.is_dir() and not e.name.startswith("."))
    if class_names is not None and not set(class_names) <= set(folders):
        raise ValueError(f"class_names must be folders: {', '.join(folders)}. Received: class_names={class_names}")
    class_names = folders if class_names is None else list(class_names)
    found = [_pictures(os.path.join(directory, name), follow_links) for name in class_names]
    labels = np.repeat(np.arange(len(found), dtype=np.int32), [len(paths) for paths in found])
    return [path for paths in found for path in paths], labels, class_names


def _pictures(folder, follow_links):
    return [
        os.path.join(root, name)
        for root, _, names in sorted(os.walk(folder, followlinks=follow_links))
        for name in sorted(names)
        if name.lower().endswith(FORMATS)
    ]
