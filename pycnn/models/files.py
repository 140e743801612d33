"""Files that are written whole or not at all, and what errors say of those that are not there or do not fit."""

import os
import secrets
from contextlib import contextmanager


@contextmanager
def written_whole(filepath, overwrite=True):
    """Give the name of a file to write beside ``filepath``; it takes the place of ``filepath`` when it is complete.

    Raises
    ------
    IsADirectoryError, FileExistsError, FileNotFoundError
        If ``filepath`` is a folder, exists and may not be overwritten, or lies in a folder that does not exist.
    """
    path = os.fspath(filepath)
    if os.path.isdir(path):
        raise IsADirectoryError(f"filepath must be a file, but it is a folder. Received: filepath={path!r}")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"The file exists; overwrite=True replaces it. Received: filepath={path!r}")
    folder, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder of the file does not exist. Received: filepath={path!r}")
    beside = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.tmp")
    try:
        with open(beside, "xb") as file:
            mode = os.fstat(file.fileno()).st_mode  # what new files get here: safetensors lets only the owner read
        yield beside
        os.chmod(beside, mode)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)
    _sync_folder(folder)


def _sync_folder(folder):
    """Let the new name outlive a power failure, where the system allows to ask for that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder cannot be opened everywhere
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def existing_file(filepath):
    """Return ``filepath`` as a string, or raise if there is no such file."""
    path = os.fspath(filepath)
    if os.path.isdir(path):
        raise IsADirectoryError(f"filepath must be a file, but it is a folder. Received: filepath={path!r}")
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no such file. Received: filepath={path!r}")
    return path


def list_names(names, most=5):
    """Return the first names of a list in quotes, for an error, and how many more there are."""
    listing = ", ".join(repr(n) for n in names[:most])
    return (f"{listing} and {len(names) - most} more" if len(names) > most else listing) or "nothing"
