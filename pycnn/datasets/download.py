"""get_file: downloads that can be interrupted, are checked, and appear in the cache whole or not at all.

What has arrived so far lies beside the file's place as ``<name>.part``; the next call goes on from there, by a
``Range`` request. ``<name>.part.tag`` says which version of the file it is a part of. A lock keeps two processes
from writing the same part.
"""

import contextlib
import os
import secrets
import shutil
import time

_ATTEMPTS = 5
_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 16
_PAUSE = 0.2  # seconds before the second attempt; each further pause is twice as long
_HASH_LENGTHS = {"md5": 32, "sha256": 64}
_ARCHIVES = {"auto": ("tar", "zip"), "tar": ("tar",), "zip": ("zip",)}


def cache_home():
    """Folder of all downloads: ``PYCNN_HOME``, by default ``~/.cache/pycnn``."""
    return os.path.expanduser(os.environ.get("PYCNN_HOME") or os.path.join("~", ".cache", "pycnn"))


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """Download a file into the cache, unless it is there, and return its path.

    A download that was cut off goes on where it ended, in this call or the next. A file that is in the cache is
    whole, and if ``file_hash`` was given the right one.

    Parameters
    ----------
    fname : str, optional
        Name in the cache; the last part of ``origin`` unless given. With ``extract`` the name of the folder.
    origin : str
        The URL.
    untar, md5_hash
        Old names of ``extract`` with ``archive_format="tar"``, and of ``file_hash``.
    file_hash : str, optional
        What the file's hash must be.
    cache_subdir : str
        Folder inside of the cache.
    hash_algorithm : {"auto", "sha256", "md5"}
        "auto" tells them by the length of ``file_hash``.
    extract : bool
        Whether to unpack a tar or zip archive, and return the folder. Members that would land outside of it, and
        links and devices in a zip file, are refused.
    archive_format : {"auto", "tar", "zip"} or list of them
    cache_dir : str or path, optional
        ``PYCNN_HOME``, by default ``~/.cache/pycnn``, unless given.
    force_download : bool
        Download the file even if it is there.

    Returns
    -------
    str

    Raises
    ------
    ConnectionError
        If the file cannot be downloaded; the message names the URL and the place in the cache.
    ValueError
        If the file's hash is wrong, or the archive is unsafe or none.
    """
    if not origin:
        raise ValueError(f"origin must be the URL of the file. Received: origin={origin!r}")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(hash_algorithm, file_hash)
    name = os.fspath(fname) if fname else _last_part(origin)
    if os.path.basename(name) != name or name in ("", ".", ".."):
        raise ValueError(f"fname must be a name without folders. Received: fname={name!r}")
    folder = os.path.join(os.path.expanduser(os.fspath(cache_dir or cache_home())), cache_subdir)
    os.makedirs(folder, exist_ok=True)
    if not (extract or untar):
        target = os.path.join(folder, name)
        _ensure(origin, target, file_hash, algorithm, force_download)
        return target
    if fname and "." in name:
        target, unpacked = os.path.join(folder, name), os.path.join(folder, f"{name[: name.find('.')]}_extracted")
    else:
        target, unpacked = os.path.join(folder, f"{name}_archive"), os.path.join(folder, name)
    is_new = _ensure(origin, target, file_hash, algorithm, force_download)
    if is_new or not os.path.isdir(unpacked):
        _unpack(target, unpacked, "tar" if untar else archive_format)
    return unpacked


def _last_part(origin):
    from urllib.parse import unquote, urlsplit

    name = os.path.basename(unquote(urlsplit(origin).path))
    if not name:
        raise ValueError(f"origin names no file: give fname, too. Received: origin={origin!r}")
    return name


def _algorithm(algorithm, file_hash):
    if algorithm not in ("auto", *_HASH_LENGTHS):
        raise ValueError(f"hash_algorithm must be auto, sha256 or md5. Received: hash_algorithm={algorithm!r}")
    if file_hash is None:
        return algorithm
    fitting = [name for name, length in _HASH_LENGTHS.items() if length == len(file_hash)]
    if not fitting or algorithm not in ("auto", *fitting):
        raise ValueError(
            "file_hash must be 64 (sha256) or 32 (md5) hexadecimal digits. "
            f"Received: file_hash={file_hash!r}, hash_algorithm={algorithm!r}"
        )
    return fitting[0]


def has_hash(path, file_hash, algorithm):
    """Whether the file at ``path`` has this hash; with ``file_hash=None`` any has."""
    if file_hash is None:
        return True
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == file_hash.lower()


def _ensure(origin, target, file_hash, algorithm, force):
    """Have the file at ``target``; return whether it was downloaded."""
    with _locked(f"{target}.lock"):
        if os.path.exists(target) and not force:
            if has_hash(target, file_hash, algorithm):
                return False
            print(f"{target} has another hash than {file_hash}: it is downloaded anew")
        print(f"Downloading data from {origin}")
        part = f"{target}.part"
        resumed = os.path.exists(part)
        _download(origin, part, target)
        if resumed and not has_hash(part, file_hash, algorithm):  # the part may have been of an older file
            _discard(part)
            _download(origin, part, target)
        if not has_hash(part, file_hash, algorithm):
            _discard(part)
            raise ValueError(
                f"The file that was downloaded has another {algorithm} hash than {file_hash}: it is damaged, or "
                f"another one. It was thrown away. Received: origin={origin!r}"
            )
        os.replace(part, target)
        _discard(part)
    return True


@contextlib.contextmanager
def _locked(path):
    import fcntl

    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _discard(part):
    for path in (part, f"{part}.tag"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _download(origin, part, target):
    """Fetch what is missing of ``part``, in several attempts as long as bytes arrive."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    failures = 0
    while True:
        before = os.path.getsize(part) if os.path.exists(part) else 0
        try:
            _fetch(origin, part)
            return
        except HTTPError as error:
            error.close()
            reason, final = error, error.code < 500 and error.code not in (408, 416, 429)
            if error.code == 416:  # the part is longer than the file
                _discard(part)
        except (OSError, HTTPException) as error:
            reason, final = error, False
        came = os.path.exists(part) and os.path.getsize(part) > before
        failures = 1 if came else failures + 1
        if final or failures == _ATTEMPTS:
            raise ConnectionError(
                f"The file cannot be downloaded: {reason or type(reason).__name__}. Without a network put it at "
                f"{target} yourself. Received: origin={origin!r}"
            ) from reason
        time.sleep(_PAUSE * 2 ** (failures - 1))


def _fetch(origin, part):
    """One attempt: append to ``part``, or begin it anew if the server cannot go on."""
    from urllib.request import Request, urlopen

    have, tag = os.path.getsize(part) if os.path.exists(part) else 0, _read_tag(part)
    headers = {"User-Agent": "pycnn", "Accept-Encoding": "identity"}
    if have and tag:
        headers |= {"Range": f"bytes={have}-", "If-Range": tag}
    with urlopen(Request(origin, headers=headers), timeout=_TIMEOUT) as response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if response.status == 206 and not goes_on:
            _discard(part)
            raise OSError(f"the server sent another part than {have}-")
        length = response.headers.get("Content-Length")
        if not goes_on:
            _discard(part)
            have = 0
            _write_tag(part, response.headers)
        with open(part, "ab") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
    if length is not None and size < have + int(length):
        raise OSError(f"the connection ended after {size} of {have + int(length)} bytes")


def _read_tag(part):
    try:
        with open(f"{part}.tag") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write_tag(part, headers):
    """Note which version of the file comes: without a tag of the server's a part cannot be continued."""
    tag = headers.get("ETag") or ""
    if not tag or tag.startswith("W/"):
        tag = headers.get("Last-Modified") or ""
    if tag:
        with open(f"{part}.tag", "w") as file:
            file.write(tag)


def _unpack(archive, folder, archive_format):
    """Unpack into a folder that is there whole or not at all."""
    import tarfile
    import zipfile

    formats = _ARCHIVES.get(archive_format) if isinstance(archive_format, str) else archive_format
    if not formats or not set(formats) <= {"tar", "zip"}:
        raise ValueError(f"archive_format must be auto, tar or zip. Received: archive_format={archive_format!r}")
    beside = f"{folder}.{secrets.token_hex(6)}.tmp"
    os.mkdir(beside)
    try:
        if "tar" in formats and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as file:
                file.extractall(beside, filter="data")
        elif "zip" in formats and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                for member in file.infolist():
                    _check_member(member, beside, archive)
                file.extractall(beside)
        else:
            raise ValueError(f"The file is no archive ({', '.join(formats)}). Received: file {archive!r}")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
    except tarfile.FilterError as error:
        raise ValueError(f"The archive is unsafe: {error}. Received: file {archive!r}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_member(member, folder, archive):
    """Refuse what would lie outside of the folder, and what is neither a file nor a folder."""
    import stat

    place = os.path.realpath(os.path.join(folder, member.filename))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if os.path.commonpath([place, os.path.realpath(folder)]) != os.path.realpath(folder) or kind not in (
        0,
        stat.S_IFREG,
        stat.S_IFDIR,
    ):
        raise ValueError(f"The archive is unsafe: it holds {member.filename!r}. Received: file {archive!r}")
