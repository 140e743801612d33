"""get_file, against a server on this machine."""

import hashlib
import io
import os
import socket
import stat
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from pycnn.datasets import download
from pycnn.utils import get_file

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def seen(cache):
    """What a user of the cache sees in it."""
    return sorted(name for name in os.listdir(cache) if not name.endswith(".lock"))


@pytest.mark.parametrize(
    "check",
    [
        {},
        {"file_hash": SHA256},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": SHA256, "hash_algorithm": "sha256"},
    ],
)
def test_a_file_is_downloaded_once(server, cache, capsys, check):
    server.files["data.bin"] = CONTENT
    path = get_file(origin=server.url + "data.bin?version=1".partition("?")[0], **check)
    assert path == str(cache / "data.bin")
    assert read(path) == CONTENT
    assert seen(cache) == ["data.bin"]
    assert capsys.readouterr().out == f"Downloading data from {server.url}data.bin\n"
    assert get_file("data.bin", server.url + "data.bin", **check) == path
    assert len(server.requests) == 1
    get_file("data.bin", server.url + "data.bin", force_download=True, **check)
    assert len(server.requests) == 2


def test_places(server, tmp_path, monkeypatch):
    server.files["a/b.bin"] = b"1"
    assert get_file("other.bin", server.url + "a/b.bin", cache_subdir="x/y", cache_dir=tmp_path) == str(
        tmp_path / "x" / "y" / "other.bin"
    )
    monkeypatch.delenv("PYCNN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get_file(origin=server.url + "a/b.bin") == str(tmp_path / ".cache" / "pycnn" / "datasets" / "b.bin")


def test_a_cut_connection_goes_on_where_it_ended(server, cache):
    server.files["data.bin"] = CONTENT
    server.cuts += [100_000, 0, 50_000]
    assert read(get_file("data.bin", server.url + "data.bin", file_hash=SHA256)) == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=100000-", "bytes=100000-", "bytes=150000-"]
    assert seen(cache) == ["data.bin"]


def test_the_next_call_goes_on_with_what_an_interrupted_one_left(server, cache):
    server.files["data.bin"] = CONTENT
    server.cuts += [100_000] + [0] * download._ATTEMPTS
    with pytest.raises(ConnectionError, match="the connection ended after 100000 of 300000 bytes"):
        get_file("data.bin", server.url + "data.bin", file_hash=SHA256)
    assert not (cache / "data.bin").exists()
    server.cuts.clear()
    server.requests.clear()
    assert read(get_file("data.bin", server.url + "data.bin", file_hash=SHA256)) == CONTENT
    assert server.requests == [("data.bin", "bytes=100000-")]
    assert seen(cache) == ["data.bin"]


@pytest.mark.parametrize("change", ["file", "ranges", "tags"])
def test_a_part_that_does_not_fit_is_thrown_away(server, cache, change):
    server.files["data.bin"] = CONTENT
    server.tags = change != "tags"
    server.cuts += [100_000] + [0] * download._ATTEMPTS
    with pytest.raises(ConnectionError):
        get_file("data.bin", server.url + "data.bin")
    server.cuts.clear()
    expected = CONTENT
    if change == "file":
        expected = server.files["data.bin"] = CONTENT[::-1] + b"longer"
    server.ranges = change != "ranges"
    assert read(get_file("data.bin", server.url + "data.bin")) == expected


def test_a_part_longer_than_the_file(server, cache):
    server.files["data.bin"] = CONTENT
    cache.mkdir(parents=True)
    (cache / "data.bin.part").write_bytes(CONTENT + b"more")
    (cache / "data.bin.part.tag").write_text(f'"{MD5}"')
    assert read(get_file("data.bin", server.url + "data.bin")) == CONTENT


def test_a_damaged_part_is_found_by_its_hash(server, cache):
    server.files["data.bin"] = CONTENT
    cache.mkdir(parents=True)
    (cache / "data.bin.part").write_bytes(b"x" * 1000)
    (cache / "data.bin.part.tag").write_text(f'"{MD5}"')
    assert read(get_file("data.bin", server.url + "data.bin", file_hash=SHA256)) == CONTENT
    assert server.requests == [("data.bin", "bytes=1000-"), ("data.bin", None)]


def test_wrong_hashes(server, cache, capsys):
    server.files["data.bin"] = CONTENT[:-1] + b"?"
    with pytest.raises(ValueError, match=f"another sha256 hash than {SHA256}: .* Received: origin="):
        get_file("data.bin", server.url + "data.bin", file_hash=SHA256)
    assert seen(cache) == []
    (cache / "data.bin").write_bytes(b"old")
    server.files["data.bin"] = CONTENT
    assert read(get_file("data.bin", server.url + "data.bin", file_hash=SHA256)) == CONTENT
    assert "data.bin has another hash than" in capsys.readouterr().out


def test_errors_of_the_server(server, cache):
    server.files["data.bin"] = CONTENT
    server.codes += [503, 500]
    assert read(get_file("data.bin", server.url + "data.bin")) == CONTENT
    server.requests.clear()
    with pytest.raises(ConnectionError, match=r"HTTP Error 404: Not Found. Without a network put it at .*none.bin"):
        get_file("none.bin", server.url + "none.bin")
    assert len(server.requests) == 1  # asking again would not help
    assert seen(cache) == ["data.bin"]


def test_offline(cache):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}/data.bin"
        with pytest.raises(ConnectionError) as caught:
            get_file("data.bin", origin)
    assert origin in str(caught.value)
    assert str(cache / "data.bin") in str(caught.value)
    assert seen(cache) == []


def test_two_at_once_download_once(server, cache):
    server.files["data.bin"] = CONTENT
    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(get_file("data.bin", server.url + "data.bin"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert len(server.requests) == 1


def tar_of(members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, None if isinstance(content, str) else io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = ((stat.S_IFLNK if isinstance(content, str) else stat.S_IFREG) | 0o644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize(("name", "folder"), [(None, "pets.tgz"), ("pets", "pets"), ("pets.tgz", "pets_extracted")])
def test_archives(server, cache, make, name, folder):
    server.files["pets.tgz"] = make({"pets/cat.txt": b"meow", "pets/dog.txt": b"woof"})
    path = get_file(name, server.url + "pets.tgz", extract=True)
    assert path == str(cache / folder)
    assert read(f"{path}/pets/cat.txt") == b"meow"
    os.remove(f"{path}/pets/dog.txt")
    assert get_file(name, server.url + "pets.tgz", extract=True) == path
    assert sorted(os.listdir(f"{path}/pets")) == ["cat.txt"]  # it was not unpacked again
    get_file(name, server.url + "pets.tgz", extract=True, force_download=True)
    assert sorted(os.listdir(f"{path}/pets")) == ["cat.txt", "dog.txt"]
    assert not [n for n in os.listdir(cache) if n.endswith(".tmp")]


@pytest.mark.parametrize(
    "content",
    [
        tar_of({"../evil.txt": b"x"}),
        tar_of({"link": "/etc", "link/evil.txt": b"x"}),
        zip_of({"../evil.txt": b"x"}),
        zip_of({"good.txt": b"x", "a/../../evil.txt": b"x"}),
        zip_of({"link": "/etc/passwd"}),
    ],
)
def test_unsafe_archives(server, cache, content):
    server.files["bad.bin"] = content
    with pytest.raises(ValueError, match="The archive is unsafe"):
        get_file("bad", server.url + "bad.bin", extract=True)
    assert not (cache / "bad").exists()
    assert not (cache.parent / "evil.txt").exists()
    assert not (cache / "evil.txt").exists()


def test_absolute_paths_in_archives_become_relative(server, tmp_path):
    server.files["bad.bin"] = tar_of({f"{tmp_path}/evil.txt": b"x"})
    folder = get_file("bad", server.url + "bad.bin", extract=True)
    assert not (tmp_path / "evil.txt").exists()
    assert read(f"{folder}/{tmp_path}/evil.txt") == b"x"


def test_arguments(server):
    server.files["data.bin"] = CONTENT
    for arguments, message in (
        ({}, "origin must be the URL"),
        ({"origin": server.url}, "origin names no file"),
        ({"origin": server.url + "data.bin", "fname": "a/b"}, "fname must be a name without folders"),
        ({"origin": server.url + "data.bin", "file_hash": "12"}, "file_hash must be 64"),
        ({"origin": server.url + "data.bin", "file_hash": MD5, "hash_algorithm": "sha256"}, "file_hash must be 64"),
        ({"origin": server.url + "data.bin", "hash_algorithm": "crc"}, "hash_algorithm must be auto"),
        ({"origin": server.url + "data.bin", "extract": True}, "The file is no archive"),
        ({"origin": server.url + "data.bin", "extract": True, "archive_format": "rar"}, "archive_format must be"),
    ):
        with pytest.raises(ValueError, match=message):
            get_file(**arguments)
