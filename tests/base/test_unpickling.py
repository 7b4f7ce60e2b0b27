"""Files that others pickled: data is read, everything else is refused and named."""

import argparse
import io
import os
import pickle
import sys
import types
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from gcdr.base.errors import InputError
from gcdr.base.unpickling import StandIn, attributes, read_pickle, read_torch

MARK = Path("was-run")


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def dump(path: Path, content, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_content_comes_back(tmp_path, protocol):
    columns = np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3))
    content = {
        "picture.jpg": {0.25: {"answer": "a café", "tokens": torch.tensor([5, 2])}},
        "kinds": OrderedDict(a=[1, 2.5, True, None, b"x", (3,)], b=defaultdict(list, c=[4])),
        "maps": [np.float32(1.5), np.ones((2, 2), np.float32), columns, np.array([True])],
        "big": np.arange(3, dtype=">i4"),
        "view": torch.arange(12.0).reshape(3, 4)[:, 1:3].t(),
    }
    found = read_pickle(dump(tmp_path / "p.pkl", content, protocol))
    person = found["picture.jpg"][0.25]
    assert person["answer"] == "a café" and person["tokens"].tolist() == [5, 2]
    assert found["kinds"] == {"a": [1, 2.5, True, None, b"x", (3,)], "b": {"c": [4]}}
    assert found["maps"][0] == 1.5
    for first, second in zip(found["maps"][1:], content["maps"][1:], strict=True):
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    np.testing.assert_array_equal(found["big"], content["big"])
    np.testing.assert_array_equal(found["view"], content["view"])


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, (f"touch {MARK}",)),
        (eval, (f"open({str(MARK)!r}, 'w')",)),
        (exec, ("import os",)),
        (getattr, ("", "join")),
        (io.open, (str(MARK), "w")),
        (torch.load, ("x",)),
        (np.load, ("x",)),
        (pickle.loads, (b"N.",)),
        (argparse.Namespace, ()),
    ],
)
def test_code_is_refused_by_name_and_not_run(tmp_path, monkeypatch, function, arguments):
    monkeypatch.chdir(tmp_path)
    path = dump(Path("evil.pkl"), {"picture.jpg": Calls(function, *arguments)})
    with pytest.raises(InputError, match=rf"evil\.pkl: found [\w.]*{function.__name__} in"):
        read_pickle(path)
    assert not MARK.exists()


def numpy_state(*state) -> bytes:
    """An array whose type is set up by a state of the pickle's own choice."""
    kind = Calls(np.dtype, "f8", False, True)
    kind.call = (*kind.call, state)
    array = Calls(np.ones(1).__reduce__()[0], np.ndarray, (0,), b"b")
    array.call = (*array.call, (1, (1,), kind, False, b"\0" * 8))
    return pickle.dumps(array)


# A tensor of nine numbers in a storage of two.
BEYOND = (torch._utils._rebuild_tensor, torch.zeros(2).__reduce_ex__(2)[1][0], 0, (9,), (1,))


@pytest.mark.parametrize(
    "content",
    [
        numpy_state(3, "|", None, ("a",), {"a": 1}, 8, 1, 27),  # would make bytes into objects
        pickle.dumps(np.array([{}, 1], object)),
        pickle.dumps({"function": Calls(np.dtype, "O")}),
        pickle.dumps(dict),
        b"cbuiltins\ndict\n(N}S'x'\nI1\nstb.",  # sets an attribute of what it names
        b"",
        b"not a pickle",
        pickle.dumps(list(range(100)))[:-20],
        pickle.dumps(Calls(*BEYOND)),
    ],
)
def test_hostile_and_broken_pickles_end_in_one_line(tmp_path, content):
    path = tmp_path / "odd.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"odd\.pkl: (found|not a readable pickle)") as caught:
        read_pickle(path)
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_named(tmp_path):
    for read in (read_pickle, read_torch):
        with pytest.raises(InputError, match=r"none\.pt: no such file"):
            read(tmp_path / "none.pt")


def settings_class(name: str) -> type:
    """A class in a module that is not there when the file is read."""
    module = types.ModuleType(name.rpartition(".")[0])
    kind = type(name.rpartition(".")[2], (), {"__module__": module.__name__})
    setattr(module, kind.__name__, kind)
    sys.modules[module.__name__] = module
    return kind


def test_settings_are_read_without_their_classes(tmp_path):
    name = "vanished_settings.Table"
    table, node = settings_class(name)(), settings_class("vanished_nodes.Node")()
    node._val, table._content = 3, {"depth": node, "name": "x"}
    path = tmp_path / "a.pt"
    torch.save({"cfg": table, "score": np.float64(0.5), "model": {"w": torch.ones(3)}}, path)
    for module in ("vanished_settings", "vanished_nodes"):
        del sys.modules[module]
    with pytest.raises(InputError, match=r"vanished_(settings\.Table|nodes\.Node) in its pickle"):
        read_torch(path)
    found = read_torch(path, [name, "vanished_nodes.Node"])
    assert isinstance(found["cfg"], StandIn) and found["score"] == 0.5
    assert attributes(found["cfg"]) == {"depth": 3, "name": "x"}
    assert attributes(argparse.Namespace(a=1)) == {} and found["model"]["w"].tolist() == [1, 1, 1]


def test_code_in_weights_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for zipped in (True, False):
        torch.save(
            {"model": Calls(os.system, f"touch {MARK}")},
            "e.pt",
            _use_new_zipfile_serialization=zipped,
        )
        with pytest.raises(InputError, match=r"e\.pt: found \w+\.system in its pickle"):
            read_torch("e.pt")
    assert not MARK.exists()


def test_weights_of_both_formats_are_read_and_truncated_ones_named(tmp_path):
    path = tmp_path / "w.pt"
    for zipped in (False, True):
        torch.save({"w": torch.arange(50.0)}, path, _use_new_zipfile_serialization=zipped)
        assert read_torch(path)["w"][-1] == 49
        if not zipped:
            path.write_bytes(path.read_bytes()[:-30])
            with pytest.raises(
                InputError, match=r"w\.pt: damaged or truncated; found \d+ bytes of an"
            ):
                read_torch(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(InputError, match=rf"truncated.*byte {len(whole) - 30}"):
        read_torch(path)
    for content in (b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x80\x02}q\x00."):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"w\.pt: not a file .* {len(content)} bytes"):
            read_torch(path)
