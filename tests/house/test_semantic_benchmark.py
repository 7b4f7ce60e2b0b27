"""What is printed of names world by world is what the files of studies say."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STUDENT = "gcdr-tauto-k1+ofa-world-body+semgaze"


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> str:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", ["semantic_pairs.py", *options])
    importlib.import_module("semantic_pairs").main()
    return capsys.readouterr().out


def test_differences_are_those_of_each_world_at_each_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for share, gains in ((5, (0.1, -0.05)), (20, (0.2, 0.3))):
        for world, gain in enumerate(gains):
            split = tmp_path / f"semantic-{world}/labels{share}-seed8{world}"
            for name, acc in (("vat+semgaze", 0.2), (f"{STUDENT}-answers", 0.2 + gain)):
                metrics = {"acc_1": {"value": acc}}
                write(split / f"semantics/{name}.json", {"metrics": metrics})
            places = {"metrics": {"dist_to_mean": {"value": 0.1}}}
            write(split / f"metrics/{STUDENT}-places.json", places)
            from_ = [{"confidence": 0.0, "people": 10, "right": 0.5 * world}]
            write(split / "names/ofa-world-body.json", {"known": 12, "from": from_})
    text = printed(monkeypatch, capsys, f"--results={tmp_path}")
    five, twenty = text.split("20 % of the labels")
    assert "5 % of the labels: semantic-0 semantic-1" in five
    difference = "gcdr+semgaze-answers − vat+semgaze            "
    assert f"{difference}+0.1000 -0.0500   mean +0.0250, higher in 1 of 2 (Acc@1)" in five
    assert f"{difference}+0.2000 +0.3000   mean +0.2500, higher in 2 of 2 (Acc@1)" in twenty
    assert "gcdr+semgaze-places" in five and "0.1000 0.1000   mean 0.1000" in five
    assert "24 labelled people with a name" in five
    assert "from confidence 0.00: 20 have one, 0.250 of them right" in five
    assert "5 % of the labels" not in printed(
        monkeypatch, capsys, f"--results={tmp_path}", "--share=20"
    )
