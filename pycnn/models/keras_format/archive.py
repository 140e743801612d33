"""The zip archive of a ``.keras`` file: ``metadata.json``, ``config.json``, ``model.weights.h5``."""

import datetime
import io
import json
import zipfile
import zlib
from contextlib import contextmanager

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_KERAS_VERSION = "3.15.0"  # whose format this is
_MOST_TEXT = 1 << 28
_MOST_EXPANSION = 100  # Keras stores the parts uncompressed
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def write_archive(path, config, weights):
    """Write the configuration, a dict, and the bytes of the weights."""
    metadata = {"keras_version": _KERAS_VERSION, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, json.dumps(config))
        archive.writestr(_WEIGHTS, weights)


@contextmanager
def opened_archive(filepath):
    """Open an archive to read it; whatever is wrong with it becomes a ValueError."""
    try:
        archive = zipfile.ZipFile(filepath)
    except _DAMAGES as error:
        raise ValueError(
            f"The file is damaged, cut short, or not one of Keras's ({error}). Received: filepath={filepath!r}"
        ) from error
    with archive:
        yield archive


def read_config(archive, filepath):
    """Return the configuration, a dict."""
    try:
        config = json.loads(_read(archive, _CONFIG, _MOST_TEXT, filepath))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file's configuration is damaged ({error}). Received: filepath={filepath!r}") from error
    if not isinstance(config, dict):
        raise ValueError(f"The file's configuration must be a JSON object. Received: filepath={filepath!r}")
    return config


def read_weights(archive, filepath):
    """Return the weights in memory, as a file."""
    return io.BytesIO(_read(archive, _WEIGHTS, None, filepath))


def _read(archive, name, most, filepath):
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"The file has no part {name}. Received: filepath={filepath!r}") from None
    if info.file_size > _MOST_EXPANSION * max(info.compress_size, 1 << 10) or (most and info.file_size > most):
        raise ValueError(
            f"The part {name} claims {info.file_size} bytes, stored in {info.compress_size}: it is not unpacked. "
            f"Received: filepath={filepath!r}"
        )
    try:
        return archive.read(name)
    except _DAMAGES as error:
        raise ValueError(f"The part {name} is damaged ({error}). Received: filepath={filepath!r}") from error
