"""Downloads against a real server on this machine: broken off, changed, absent."""

import hashlib
import json
import shutil
from types import SimpleNamespace

import pytest
from download_server import CONTENT

from gcdr.base.download import check_digest, download, planned_files, record_of
from gcdr.base.errors import InputError


def test_goes_on_where_the_connection_broke(server, tmp_path):
    server.breaks = 2
    out = tmp_path / "ofa/model.bin"
    download(server.address, out, pause=0)
    assert out.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=600000-"]
    assert json.loads(record_of(out).read_text()) == {
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
        "address": server.address,
    }
    assert {path.name for path in out.parent.iterdir()} == {out.name, record_of(out).name}


def test_a_later_call_goes_on_too_and_a_whole_file_is_not_asked_for(server, tmp_path):
    out = tmp_path / "model.bin"
    server.breaks = 100
    server.limit = 100_000
    with pytest.raises(InputError, match="broke off after 800000 of 1024000 bytes"):
        download(server.address, out, pause=0)
    assert not out.exists()
    server.breaks, before = 0, len(server.ranges)
    download(server.address, out, pause=0)
    assert out.read_bytes() == CONTENT and server.ranges[before:] == ["bytes=800000-"]
    download("http://127.0.0.1:1/unreachable", out)
    assert len(server.ranges) == before + 1


def test_a_file_that_changed_meanwhile_is_not_spliced(server, tmp_path):
    out = tmp_path / "model.bin"
    server.breaks = 8
    server.limit = 100_000
    with pytest.raises(InputError, match="broke off"):
        download(server.address, out, pause=0)
    server.content, server.mark = CONTENT[::-1], '"two"'
    download(server.address, out, pause=0)
    assert out.read_bytes() == CONTENT[::-1]


def test_a_part_that_is_too_long_starts_again(server, tmp_path):
    out = tmp_path / "model.bin"
    (tmp_path / "model.bin.part").write_bytes(CONTENT + b"more")
    (tmp_path / "model.bin.part.mark").write_text('"one"')
    download(server.address, out, pause=0)
    assert out.read_bytes() == CONTENT


def test_another_content_than_the_first_is_refused(server, tmp_path):
    out = tmp_path / "model.bin"
    download(server.address, out)
    out.unlink()
    server.content, server.mark = b"another", '"two"'
    for _ in range(2):
        with pytest.raises(InputError, match=r"SHA-256 from http.* was recorded.*delete .*digest"):
            download(server.address, out)
        assert not out.exists()
    out.write_bytes(b"put here by hand")
    with pytest.raises(InputError, match="SHA-256 in the file is"):
        download(server.address, out)
    with pytest.raises(InputError, match="SHA-256 in the file is"):
        check_digest(out)
    out.write_bytes(CONTENT)
    check_digest(out)
    check_digest(tmp_path / "never-downloaded.bin")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:1/model.bin", "could not be fetched .*refused"),
        ("http://name.invalid/model.bin", "could not be fetched"),
    ],
)
def test_without_network_the_message_says_where_to_put_the_file(address, said, tmp_path):
    out = tmp_path / "weights/ofa-large/model.bin"
    with pytest.raises(InputError, match=rf"{said}.* put it at {out}"):
        download(address, out, pause=0)


def test_a_wrong_address_is_not_tried_again(server, tmp_path):
    with pytest.raises(InputError, match="no such model"):
        download(f"{server.address}x", tmp_path / "model.bin", pause=0)
    assert len(server.ranges) == 1


def test_places_and_addresses():
    settings = {
        "folder": "weights/",
        "models": {
            "m": {
                "from": "https://a.example/b/main",
                "files": ["x.bin", "http://c.example/d/y.txt"],
            }
        },
    }
    assert planned_files(settings) == {
        "weights/m/x.bin": "https://a.example/b/main/x.bin",
        "weights/m/y.txt": "http://c.example/d/y.txt",
    }


PAGES = [
    (b"", "an empty file"),
    (b"<!DOCTYPE html><html>sign in</html>", "a web page"),
    (b"\n <!-- x --> <HTML lang='en'>", "a web page"),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "a pointer of Git LFS"),
]


@pytest.mark.parametrize(("content", "said"), PAGES)
def test_what_is_not_the_file_is_refused_and_not_recorded(server, tmp_path, content, said):
    out = tmp_path / "model.bin"
    server.content = content
    with pytest.raises(InputError, match=said):
        download(server.address, out, pause=0)
    assert not list(tmp_path.iterdir())
    out.write_bytes(content)  # nor is it taken where somebody put it there
    with pytest.raises(InputError, match=said):
        download(server.address, out, pause=0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.pt", b"no"),
        ("m.safetensors", b"\xff" * 20),
        ("c.json", b"{"),
        ("m.zip", b"no"),
        ("m.pkl", b"no"),
    ],
)
def test_content_is_of_the_kind_that_the_name_says(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"bytes that are no {name[1:]} file"):
        download("http://127.0.0.1:1/x", tmp_path / name)


def test_a_vocabulary_is_no_page(tmp_path):
    (tmp_path / "dict.txt").write_text("<s> 1\na 2\n")
    download("http://127.0.0.1:1/x", tmp_path / "dict.txt")
    assert json.loads(record_of(tmp_path / "dict.txt").read_text())["address"] is None


def test_a_published_digest_is_held(server, tmp_path):
    out, digest = tmp_path / "model.bin", hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(InputError, match="is published"):
        download(f"{server.address}#sha256={'0' * 64}", out, pause=0)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="expected #sha256="):
        download(f"{server.address}#md5=00", out, pause=0)
    download(f"{server.address}#sha256={digest}", out, pause=0)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://a.example/x", "/etc/passwd", "http://", "data:,x", "http://["],
)
def test_only_the_web_is_fetched(tmp_path, address):
    with pytest.raises(InputError, match="expected one of http or https"):
        download(address, tmp_path / "x")
    settings = {"folder": "w", "models": {"m": {"from": "http://a.example", "files": [address]}}}
    if "//" in address and ":" in address:
        with pytest.raises(InputError, match=r"downloads\.models\.m\.files"):
            planned_files(settings)


@pytest.mark.parametrize(
    ("model", "files"),
    [("..", ["x"]), (".", ["x"]), ("m", [".."]), ("m", ["a/"]), ("m", ["a/x", "b/x"])],
)
def test_places_stay_in_their_folder(model, files):
    with pytest.raises(InputError, match=r"downloads\.models\."):
        planned_files(
            {"folder": "w", "models": {model: {"from": "http://a.example", "files": files}}}
        )


@pytest.mark.parametrize(
    "models",
    [
        {"m": ["x.bin", "X.BIN"]},
        {"m": ["x.bin"], "M": ["x.bin"]},
        {"m": ["é.bin", "e\u0301.bin"]},
        {"m": ["straße", "STRASSE"]},
        {"m": ["x", "x.part"]},
        {"m": ["x.part.mark", "x"]},
        {"m": ["x", "x.digest.json"]},
        {"m": ["x.DIGEST.json", "X"]},
    ],
)
def test_places_are_different_on_every_disk_and_from_what_is_noted_beside_them(models):
    sources = {
        name: {"from": f"http://a.example/{name}", "files": files} for name, files in models.items()
    }
    with pytest.raises(
        InputError, match=r"downloads\.models\.[mM]\.files: found .* different names"
    ):
        planned_files({"folder": "w", "models": sources})


def test_a_full_disk_is_not_tried_again(server, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="MB free"):
        download(server.address, tmp_path / "model.bin", pause=100)
