"""Whatever stands in the configuration reaches each script as it is, and no shell takes it for a command."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from preloaded import run_snakemake
from small_weights import write_like
from snakemake.exceptions import WorkflowError
from workflow_runs import ROOT, SMOKE, Workspace, check_overlay, jobs_in

from gcdr.config.people_checks import MOST_DRAWN
from gcdr.data.manifest import BOX
from gcdr.data.stores import write_labels
from gcdr.detection.depth_layout import DEPTH_FILES
from gcdr.models.sizes import DenoiserConfig
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.settings.job_needs import read_figures

HOSTILE = "-a b'c\"d$(touch PWNED)`touch PWNED`;touch PWNED;é&*?~|>PWNED #\\"
FETCHED = (
    "f" + HOSTILE.replace("#", "").replace("?", "") + ".pt"
)  # those two have a meaning in addresses
CARDS = ("config.json", "card.json")
SHARE_LISTS = [
    f"train_annotations_weak_ratio{share}_use.txt" for share in (0.05, 0.1, 0.2, 0.25, 0.5)
]


def hostile(end: str) -> str:
    """A path's last part of every character that a shell has a use for."""
    return f"{HOSTILE}{end}"


def every_text() -> dict:
    """A configuration whose texts are hostile wherever a text is free, and which has use for every rule."""
    folder = {"kind": "folder", "images": hostile("photos")}
    gaze_file = {"init": hostile("w/init.pth")}
    return {
        "notice": f"{HOSTILE} {{study}} {{0}}\nsecond line",
        "datasets": {
            "found": folder,
            "given": folder | {"table": hostile("t.csv"), "depth": hostile("depths")},
            "real": {"kind": "gazefollow", "root": hostile("gf"), "drawn": True},
            "moving": {
                "kind": "world-show",
                "seed": 1,
                "style": "kitchen",
                "clips": 2,
                "test_clips": 0,
                "frames": 4,
                "width": 160,
                "height": 120,
            },
            "smoke": {"train_people": MOST_DRAWN},  # so many that planning asks nobody who they are
            "film": {"kind": "video", "root": hostile("films"), "annotations": None, "drawn": True},
        },
        "prior": "asked",
        "priors": {
            "asked": {
                "kind": "vqa",
                "weights": hostile("vqa"),
                "layers": [1],
                "layer": 1,
                "questions": {"body": f"{HOSTILE} {{store}}\nsecond line"},
            },
            "released": {
                "kind": "vqa",
                "weights": hostile(f"dl/m/{FETCHED}"),
                "layers": [1],
                "layer": 1,
            },
            "shown": {"kind": "pointing", "weights": hostile("vlm"), "shards": 1},
            "dots": {"kind": "points", "tables": {"smoke": hostile("p.csv")}},
            "maps": {"kind": "maps", "stores": {"smoke": hostile("m.h5")}},
            "authors": {
                "kind": "pickles",
                "imported": {
                    "smoke": {"pickles": [hostile("1.pkl")], "annotations": [hostile("a.txt")]}
                },
            },
        },
        "downloads": {
            "folder": hostile("dl"),
            "models": {
                "m": {"from": "https://nowhere.invalid/x", "files": [FETCHED]},
            },
        },
        "detect": {"weights": hostile("body")},
        "heads": {"weights": hostile("heads")},
        "depth": {"weights": hostile("depth")},
        "semantics": {
            "vocabulary": hostile("names.txt"),
            "tower": hostile("clip"),
            "detector": {"weights": hostile("owl"), "least": 0.1},
            "two_stage": ["crop", "tuned-blur"],
            "image_tower": hostile("clip"),
        },
        "gaze": {
            "models": {
                "vat": gaze_file,
                "named": {"kind": "semgaze", "size": "world", "names": "answers"} | gaze_file,
                "seen": {"kind": "semgaze", "size": "world", "names": "detected"} | gaze_file,
                "other": {"kind": "vat", "size": "world"} | gaze_file,
                "gazelle": {"backbone": hostile("w/backbone.pth")},
                "tower": {"kind": "gazelle-tower", "size": "world", "labeller": "gazelle"}
                | gaze_file,
            }
        },
        "diffusion": {"init": hostile("w/diffusion.pth")},
        "refine": {"redraw": "online"},
        "split": {"released": hostile("lists")},
        "studies": {
            "a": {"dataset": "smoke", "seed": 0},
            "show": {"dataset": "moving", "adapt": True, "labels": {"frames": 9}, "seed": 0},
            "given": {
                "dataset": "smoke",
                "seed": 0,
                "pretrained": {"diffusion": hostile("teacher")},
            },
            "pooled": {
                "labelled": ["smoke"],
                "unlabelled": ["smoke", "given"],
                "test": "smoke",
                "seed": 0,
            },
            "photos": {"dataset": "found", "seed": 0, "teacher": "a"},
        },
        "galleries": ["photos"],
        "report": {
            "name": "r",
            "studies": ["a", "given"],
            "methods": [
                {"method": "vat", "gaze": "gazelle"},
                {"method": "semi-vat", "gaze": "named"},
                {"method": "semi-vat", "gaze": "seen"},
                {"method": "token-student", "gaze": "tower"},
                *["vat", "vat-mt", "semi-vat-gc", "gcdr", "direct-mapping"],
                *(
                    {"method": "raw", "prior": name}
                    for name in ("released", "shown", "dots", "maps", "authors")
                ),
            ],
        },
    }


def make_files(folder: Path) -> None:
    """The files that the configuration names, with as much in them as planning looks at."""
    models = {
        "body": "detector",
        "heads": "detector",
        "teacher": "denoiser",
        "vqa": "vqa",
        "vlm": "vlm",
    }
    for name, like in models.items():
        write_like(folder / hostile(name) / "model.safetensors", like)
    for name, like in {"init": "towers", "diffusion": "towers", "backbone": "frozen"}.items():
        write_like(folder / hostile(f"w/{name}.pth"), like)
    teacher = {"model": "denoiser", "config": DenoiserConfig.world().to_json()}
    files = {
        **{f"{hostile(model)}/{name}": "{}" for model in ("body", "heads") for name in CARDS},
        f"{hostile('heads')}/card.json": '{"finds": "heads"}',
        f"{hostile('teacher')}/model.json": json.dumps(teacher),
        f"{hostile('vqa')}/config.json": json.dumps(OFAConfig.world().to_json()),
        f"{hostile('vlm')}/config.json": '{"model_type": "qwen"}',
        **{f"{hostile('vqa')}/{name}": "" for name in ("card.json", "vocab.json", "merges.txt")},
        **{f"{hostile('dl')}/m/{name}": "" for name in ("encoder.json", "vocab.bpe", "dict.txt")},
        **{f"{hostile('gf')}/{kind}_annotations_release.txt": "" for kind in ("train", "test")},
        **{f"{hostile('lists')}/{name}": "" for name in SHARE_LISTS},
        **{f"{hostile('depth')}/{name}": "{}" for name in DEPTH_FILES},
        f"{hostile('depths')}/1.png": "",
        f"{hostile('photos')}/1.jpg": "",
        f"{hostile('films')}/walk/1.jpg": "",
        **{
            f"{hostile('clip')}/{name}": ""
            for name in ("model.safetensors", "vocab.json", "merges.txt")
        },
        f"{hostile('clip')}/config.json": '{"model_type": "clip", "vision_config": {}}',
        f"{hostile('owl')}/config.json": '{"model_type": "owlv2"}',
        **{
            f"{hostile('owl')}/{name}": ""
            for name in ("model.safetensors", "preprocessor_config.json")
        },
        hostile("names.txt"): "cup\n",
        hostile("t.csv"): "",
        hostile("p.csv"): "image,x,y\na.jpg,1,1\n",
        hostile("1.pkl"): "(d.",
        hostile("a.txt"): "," * 13,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    one = np.arange(1)
    write_labels(
        folder / hostile("m.h5"), one, np.eye(4)[None], one == 0, {}, people="", made_by={}
    )


RULES_WITHOUT_COMMAND = {"all", "ready", "table_s7", "world_weights"}
OF_PUBLISHED = {"submission"}  # refused of drawn people; planned in test_data_rules


def rules_of_the_workflow() -> set[str]:
    text = "\n".join(path.read_text() for path in ROOT.glob("workflow/rules/*.smk"))
    return set(re.findall(r"^(?:use rule \w+ as|rule) (\w+)(?::| with:)$", text, re.M))


TARGETS = (
    "all", "table_s7", "table1", "label_savings", "label_advice", "suggestions", "world_weights",
    "figure5", "figure6", "table_s1", "table_semantic", "table_gazehoi", "results/photos/exports/csv",
    "figure_named", "figure_people",
    "results/show/labelschosen-seed0/hidden.parquet", "results/data/film/heads.csv",
    "results/data/real/manifest.parquet", "results/data/real/deep-samples-56.h5",
    "results/data/smoke--smoke.given--smoke/deep-samples-56.h5",
    "results/data/smoke--smoke.given--smoke/bodies.parquet",
    "results/pooled/labels25-seed0/teachers/vat-gc+asked-body+vat/model.json",
    "results/smoke/labels25-seed0/timestep/configured+ofa-world-body.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def printed(planning: Workspace) -> tuple[str, list[str]]:
    """What Snakemake plans of a hostile configuration, and the commands in it."""
    make_files(planning.folder)
    planning.write("hostile.yaml", yaml.safe_dump(every_text()))
    run = planning.snakemake("-n", "-p", "-F", *TARGETS, configs=(SMOKE, "hostile.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    return run.stdout, re.findall(r"^Shell command: (python .*? 2>&1)$", run.stdout, re.M | re.S)


def test_every_rule_is_planned(printed: tuple[str, list[str]]) -> None:
    others = RULES_WITHOUT_COMMAND | OF_PUBLISHED
    assert rules_of_the_workflow() - others <= set(jobs_in(printed[0]))


def test_every_rule_has_its_figures() -> None:
    """And no figures are of a rule that is gone. What has no command takes nothing."""
    figures = set(read_figures(ROOT / "workflow/resources.yaml").rules)
    assert rules_of_the_workflow() - RULES_WITHOUT_COMMAND <= figures <= rules_of_the_workflow()


def test_bash_hands_every_text_on_as_it_is(printed: tuple[str, list[str]], tmp_path: Path) -> None:
    """The commands are run, by a bash in which ``python`` writes down what it is given."""
    expected = []
    for command in printed[1]:
        words = shlex.split(command)
        log = tmp_path / words[words.index(">") + 1]
        log.parent.mkdir(parents=True, exist_ok=True)
        expected.append([*words[1 : words.index(">")], "end"])
    script = ["python() { printf '%s\\0' \"$@\" end >&3; }", *printed[1]]
    (tmp_path / "script.sh").write_text("\n".join(script))
    bash = "exec 3>arguments; set -eu; . ./script.sh"
    subprocess.run(["bash", "-c", bash], cwd=tmp_path, check=True)
    given = (tmp_path / "arguments").read_text().split("\0")[:-1]
    assert given == [word for words in expected for word in words]
    assert not list(tmp_path.rglob("*PWNED"))
    whole = "\n".join(given)
    missing = [
        text
        for text in planted(every_text())
        if text not in whole and json.dumps(text)[1:-1] not in whole
    ]
    assert not missing


def planted(value: object) -> list[str]:
    """The hostile texts in a configuration."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [text for one in inner for text in planted(one)]
    return [value] if isinstance(value, str) and value.startswith("-a ") else []


def test_jobs_run_in_a_hostile_folder(tmp_path: Path) -> None:
    """That of the checkout, and those of pictures, a table and weights."""
    folder = tmp_path / HOSTILE
    folder.mkdir()
    workspace = Workspace(folder)
    (folder / hostile("photos")).mkdir()
    Image.new("RGB", (64, 48)).save(folder / hostile("photos") / f"{HOSTILE}.png")
    row = pd.DataFrame([[f"{HOSTILE}.png", 1, 1, 20, 20]], columns=["image", *BOX])
    row.to_csv(folder / hostile("t.csv"), index=False)
    data = {"kind": "folder", "images": hostile("photos"), "table": hostile("t.csv")}
    workspace.write("h.yaml", yaml.safe_dump({"datasets": {"photos": data}}))
    run = workspace.snakemake("results/data/photos/samples-56.h5", configs=(SMOKE, "h.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    people = pd.read_parquet(folder / "results/data/photos/manifest.parquet")
    assert people["image"].tolist() == [f"{HOSTILE}.png"]
    assert not list(tmp_path.rglob("*PWNED"))


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("detect: {weights: 'a{x}'}\n", 'detect.weights: found "a{x}", expected a path'),
        ('split: {released: "a\\nb"}\n', "split.released: found .* expected a path"),
        ('notice: "a\\0b"\n', "notice: found .* control characters"),
        ('notice: "a\\ud800b"\n', "line 1, column 13: no valid YAML"),
        ('studies: {smoke: {pretrained: {"a\\e": b}}}\n', "studies.smoke.pretrained: found .a.x1b"),
        ("detect: {weights: --}\n", "detect.weights: .* expected a path"),
        ("gaze: {models: {vat: {init: 'a{b'}}}\n", "gaze.models.vat.init: .* expected a path"),
    ],
)
def test_what_no_rule_could_name_is_refused(tmp_path: Path, overlay: str, said: str) -> None:
    with pytest.raises(WorkflowError, match=said) as error:
        check_overlay(overlay, tmp_path)
    assert len(str(error.value).splitlines()) <= 2


@pytest.mark.slow
def test_started_elsewhere_it_says_how_to_start(tmp_path: Path) -> None:
    smoke = ("-s", f"{ROOT}/Snakefile", "-d", "work", "--configfile", f"{ROOT}/{SMOKE}")
    run = run_snakemake(tmp_path, ROOT / "src", ["-n", *smoke])
    assert run.returncode != 0 and "Traceback" not in run.stdout
    assert "started in " in run.stdout and f"cd {ROOT} && snakemake" in run.stdout
