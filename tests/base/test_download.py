"""Downloads against a real server on this machine: broken off, changed, absent."""

import gzip
import hashlib
import json
import shutil
import tarfile
from types import SimpleNamespace

import numpy as np
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
    (b"<div>hi</div>", "a web page"),
    (b"<p>hello</p>", "a web page"),
    (b"<!-- x --><P class='x'>hello", "a web page"),
    (b"<ns:Fault code='1'>x</ns:Fault>\n", "a web page"),
    ("<html>".encode("utf-16"), "a web page"),
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
        ("m.safetensors", (9).to_bytes(8, "little") + b"{junk is;" + b"\0" * 40),
        ("m.safetensors", (2).to_bytes(8, "little") + b"[]"),
        ("m.safetensors", (1 << 62).to_bytes(8, "little") + b"{}"),
        ("m.npz", b"Quota exceeded"),
        ("m.zip", b"PK\x03\x04 oops"),
        ("m.npy", b"Quota exceeded"),
        ("m.h5", b"xx"),
        ("m.tar", b"oops"),
        ("m.tgz", gzip.compress(b"oops", mtime=0)),
        ("m.xz", b"oops"),
        ("m.bpe", b"AccessDenied"),
        ("m.bpe", b"Access Denied"),
        ("m.model", b'{"error": 1}'),
        ("m.bin", b"Quota exceeded"),
        ("m.bin", b"Zugriff verweigert: \xc3\xa4" + "ä".encode() * 5000),
        ("m.csv", b'{"error": 1}'),
    ],
)
def test_content_is_of_the_kind_that_the_name_says(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"bytes that are no {name[1:]} file"):
        download("http://127.0.0.1:1/x", tmp_path / name)


def test_content_that_is_what_the_name_says_is_taken(tmp_path):
    plain = tmp_path / "a.txt"
    plain.write_text("<pad>\n<unk>\nb\n")
    np.save(tmp_path / "a.npy", np.zeros(2))
    np.savez(tmp_path / "a.npz", np.zeros(2))
    for name, mode in (("a.tar", "w"), ("a.tar.gz", "w:gz"), ("b.tgz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as archive:
            archive.add(plain, "a.txt")
    header = b'{"a": {}}'
    for name, content in (
        ("a.safetensors", len(header).to_bytes(8, "little") + header),
        ("a.bpe", b"#version: 0.2\na b\n"),
        ("b.bpe", b"a b\nb c</w>\n"),
        ("a.model", b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02"),
        ("a.h5", b"\x89HDF\r\n\x1a\n\0"),
        ("a.csv", b"a,b\n1,2\n"),
        ("a.html", b"<p>hello</p>"),
    ):
        (tmp_path / name).write_bytes(content)
    for path in sorted(tmp_path.iterdir()):
        download("http://127.0.0.1:1/x", path)


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_what_a_server_calls_a_page_is_one_only_where_a_page_was_asked_for(server, tmp_path, kind):
    server.kind = kind
    with pytest.raises(
        InputError, match=r"model\.bin: found a web page \(Content-Type: .* from http"
    ):
        download(server.address, tmp_path / "model.bin", pause=0)
    assert not list(tmp_path.iterdir())
    download(server.address, tmp_path / "model.html", pause=0)


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
    [("..", ["x"]), (".", ["x"]), ("", ["x"]), ("m", [".."]), ("m", ["a/"]), ("m", ["a/x", "b/x"])],
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
