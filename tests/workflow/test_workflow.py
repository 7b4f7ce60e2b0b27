"""The whole chain on the smoke configuration, and what reruns after which change."""

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from preloaded import TOOK
from snakemake.exceptions import WorkflowError
from workflow_runs import FEWER, ROOT, SMOKE, Workspace, check_overlay, logs_that_name

from gcdr.methods import METHODS
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

DATA = "results/data/smoke"
AFTER_REFINE = {"make_labels", "train_student", "evaluate", "evaluate_labels", "tables", "page"}


TRANSFER = """
datasets: {here: {kind: world, seed: 22, style: web, train_people: 120, test_people: 60, annotators: 10,
                  width: 320, height: 240}}
studies: {transfer: {labelled: [smoke], unlabelled: [here], test: here, seed: 0,
                     init: {study: smoke, model: vat}}}
report: {name: transfer, studies: [transfer], methods: [vat, gcdr]}
"""


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which the smoke configuration has run, on data with one picture that cannot be read.

    ``refused.txt`` is what was said when no picture may be lost, ``said.txt`` when a few may; ``cut.txt``
    names the picture.
    """
    workspace = Workspace(tmp_path_factory.mktemp("workflow"))
    run = workspace.snakemake(f"{DATA}/manifest.parquet")
    assert run.returncode == 0, run.stdout[-6000:]
    people = pd.read_parquet(workspace.folder / DATA / "manifest.parquet")
    name = people.loc[people["split"] == "test", "image"].iloc[0]
    bad = workspace.folder / DATA / "images" / name
    bad.write_bytes(bad.read_bytes()[:400])
    workspace.write("cut.txt", name)
    smoke = (workspace.folder / SMOKE).read_text()
    workspace.write(SMOKE, f"{smoke}failures: 0\n")
    workspace.write("refused.txt", workspace.snakemake(f"{DATA}/bodies.parquet").stdout)
    workspace.write(SMOKE, f"{smoke}failures: 0.05\n")
    run = workspace.snakemake("--benchmark-extended")
    assert run.returncode == 0, run.stdout[-6000:]
    workspace.write("said.txt", run.stdout)
    return workspace


@pytest.fixture
def edited(done: Workspace) -> Iterator[Workspace]:
    """The same workspace; source files edited by the test are put back."""
    kept = {path: path.read_text() for path in (done.folder / "src").rglob("*.py")}
    yield done
    for path, text in kept.items():
        if path.read_text() != text:
            path.write_text(text)


def test_smoke_run_ends_with_table_and_report(done: Workspace) -> None:
    said = (done.folder / "said.txt").read_text()
    assert "GCDR" in said and "Semi-VAT" in said and "results/smoke/report.html" in said
    page = (done.folder / "results/smoke/report.html").read_text()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    metrics = sorted((done.folder / "results/smoke").rglob("metrics/*.json"))
    assert {path.stem for path in metrics} >= {
        "vat+vat",
        "semi-vat+vat",
        "gcdr-t250-n2-k1+ofa-world-body+vat",
        "diffusion-gc-gcdr-t250-n2-k1+ofa-world-body",
        "gradcam+ofa-world-body",
        "centre",
        "human",
        "random",
    }
    for path in metrics:
        for summary in json.loads(path.read_text())["metrics"].values():
            assert 0 <= summary["low"] <= summary["value"] <= summary["high"] <= 1.5
    logs, benchmarks = done.folder / "logs", done.folder / "results/benchmarks"
    assert len(list(logs.rglob("*.log"))) >= 18 and len(list(benchmarks.rglob("*.tsv"))) >= 18


def test_a_cut_picture_stops_nothing_and_too_many_stop_the_stage(done: Workspace) -> None:
    refused, name = ((done.folder / f"{told}.txt").read_text() for told in ("refused", "cut"))
    assert "share 0 that the key failures allows" in refused, refused
    people = pd.read_parquet(done.folder / DATA / "manifest.parquet")
    lost = (people["image"] == name).sum()
    for path in (done.folder / "results/smoke/labels25-seed0/metrics").glob("*.json"):
        assert json.loads(path.read_text())["unreadable"] == lost, path
    logs = logs_that_name(name, done.folder / "logs/smoke")
    assert logs >= {
        "detect/1-of-1",
        "samples-56",
        "labels25-seed0/test/gcdr-t250-n2-k1+ofa-world-body",
    }


def scripts_of_rules() -> dict[str, str]:
    """The script of each rule, its own or that of the rule which it uses."""
    rule = re.compile(r"^(?:use rule (\w+) as|rule) (\w+)(?::| with:)\n((?:    .*\n|\n)*)", re.M)
    scripts: dict[str, str] = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for used, name, body in rule.findall(path.read_text()):
            own = re.search(r'script=script\("(\w+)"\)', body)
            scripts[name] = own[1] if own else scripts.get(used, "")
    return scripts


def test_no_job_takes_more_than_it_asks_for(done: Workspace) -> None:
    """Nor does it ask for much more than a small machine has."""
    columns = ["script", "mib", "cpu"]
    took = pd.read_csv(done.folder / TOOK, sep=" ", names=columns).groupby("script").max()
    files = (done.folder / "results/benchmarks").rglob("*.tsv")
    jobs = pd.concat([pd.read_csv(path, sep="\t", na_values=["NA", "-"]) for path in files])
    jobs["script"] = jobs["rule_name"].map(scripts_of_rules())
    jobs = jobs.dropna(subset=["resources", "script"]).join(took, on="script", how="inner")
    assert set(jobs["rule_name"]) >= {"gradcam", "train_student", "make_labels", "evaluate"}
    for job in jobs.itertuples():
        asked = ast.literal_eval(job.resources)
        assert job.mib * 1.048576 < asked["mem_mb"] < 3000, (job.rule_name, job.mib, asked)
        assert job.cpu < 60 * asked["runtime"], (job.rule_name, job.cpu, asked)


def test_second_run_does_nothing(done: Workspace) -> None:
    assert done.planned() == {}


def test_figures_of_a_finished_study_run_only_what_is_new(done: Workspace) -> None:
    new = {
        "figure1b": {},
        "figure5": {"step_maps": 1},
        "figure4": {"train_teacher": 1, "make_labels": 3},  # VAT-GC, and maps of test people
    }
    for figure, jobs in new.items():
        assert done.planned(figure) == {figure: 1, "paper_figure": 1, **jobs}
    run = done.snakemake("figure1b", "figure5", "figure_s3")
    assert run.returncode == 0, run.stdout[-6000:]
    for figure in ("figure1b", "figure5", "figure_s3"):
        assert min(Image.open(done.folder / f"results/smoke/figures/{figure}.png").size) > 400
        assert (done.folder / f"results/smoke/figures/{figure}.pdf").read_bytes()[:4] == b"%PDF"
    assert done.planned() == {}


def test_touched_files_and_other_resources_run_nothing(done: Workspace) -> None:
    for part in ("src", "workflow", "assets", "Snakefile", "config.yaml"):
        start = done.folder / part
        for path in [start, *start.rglob("*")] if start.is_dir() else [start]:
            os.utime(path)
    figures = done.folder / "workflow/resources.yaml"
    figures.write_text(figures.read_text().replace("memory: 1.3", "memory: 1.5"))
    assert done.planned() == {}


def test_results_exchanged_for_older_ones_are_named(done: Workspace) -> None:
    """What Snakemake, which looks at dates, would make nothing of."""
    names = (
        "results/smoke/labels25-seed0/teachers/vat+vat/model.safetensors",
        "results/data/smoke/priors/ofa-world-body.h5",
        "results/data/smoke/annotations.parquet",
    )
    kept = {
        path: (path.read_bytes(), path.stat()) for path in (done.folder / name for name in names)
    }
    for path, (before, _) in kept.items():
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        os.utime(path, (10**9, 10**9))
    run = done.snakemake("-n")
    for path, (before, dates) in kept.items():
        path.write_bytes(before)
        os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert run.returncode != 0
    assert all(f"{name}: another file than results/" in run.stdout for name in names)
    assert done.planned() == {}


def test_timestep_reruns_only_what_depends_on_it(done: Workspace) -> None:
    done.write("t.yaml", "refine: {timestep: 200}\n")
    assert set(done.planned(configs=(SMOKE, "t.yaml"))) == AFTER_REFINE
    assert done.planned() == {}


def test_more_processes_train_nothing_again(done: Workspace) -> None:
    done.write("two.yaml", "processes: 2\n")
    assert set(done.planned(configs=(SMOKE, "two.yaml"))) <= {"page"}  # it shows all settings
    told = done.snakemake("-n", "-p", "--forcerun", "train_student", configs=(SMOKE, "two.yaml"))
    launcher = "python workflow/scripts/launch.py 2"
    assert f"{launcher} workflow/scripts/train_gaze.py" in told.stdout


def test_a_method_more_runs_what_it_needs_itself(done: Workspace) -> None:
    done.write("more.yaml", "report: {methods: [vat, semi-vat, gcdr, argmax]}\n")
    planned = done.planned(configs=(SMOKE, "more.yaml"))
    assert planned == dict.fromkeys(
        ("make_labels", "train_student", "evaluate", "tables", "page"), 1
    )


def test_what_learns_from_the_unlabelled_while_it_trains_stands_in_one_table(
    done: Workspace,
) -> None:
    methods = ["vat-pi", "vat-te", "vat-fixmatch", "vat-freematch"]
    done.write(
        "unlabelled.yaml",
        f"report: {{name: unlabelled, methods: [vat, {', '.join(methods)}]}}\n"
        "gaze: {unlabelled: {recipe: {steps: 2}}}\n",
    )
    run = done.snakemake(configs=(SMOKE, "unlabelled.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    split = done.folder / "results/smoke/labels25-seed0"
    assert all((split / f"metrics/{name}+vat.json").exists() for name in methods)
    logs = {(split / f"teachers/{name}+vat/log.csv").read_text() for name in methods}
    assert len(logs) == len(methods), "four trainings"
    assert all(METHODS[name].title in run.stdout for name in methods)


def test_timestep_by_label_share(done: Workspace) -> None:
    done.write("t.yaml", 'refine: {timestep: {"25": 300, default: 250}}\n')
    assert set(done.planned(configs=(SMOKE, "t.yaml"))) == AFTER_REFINE
    done.write("t.yaml", 'refine: {timestep: {"5": 300, default: 250}}\n')
    assert set(done.planned(configs=(SMOKE, "t.yaml"))) <= {"page"}  # it shows all settings


def test_split_seed_touches_no_data_stage(done: Workspace) -> None:
    done.write("s.yaml", "studies: {smoke: {seed: 5}}\n")
    planned = set(done.planned(configs=(SMOKE, "s.yaml")))
    assert {"split", "train_teacher", "train_diffusion", "train_student"} <= planned
    assert not planned & {"world", "samples", "detect", "gradcam", "merge"}


@pytest.mark.parametrize(
    ("module", "reruns", "untouched"),
    [
        (
            "refine/maps.py",
            {"make_labels", "train_student", "evaluate", "sweep"},
            {"world", "samples", "detect", "gradcam", "split", "train_teacher", "train_diffusion"},
        ),
        (
            "training/denoising.py",
            {"train_diffusion", "make_labels", "sweep", "train_student"},
            {"world", "samples", "detect", "gradcam", "split", "train_teacher"},
        ),
        (
            "priors/vqa/gradcam.py",
            {"gradcam", "merge", "make_labels", "sweep", "train_student"},
            {"world", "samples", "detect", "split", "train_teacher", "train_diffusion"},
        ),
        (
            "evaluation/metrics.py",
            {"evaluate", "evaluate_prior", "evaluate_labels", "evaluate_baselines", "sweep"},
            {"world", "gradcam", "make_labels", "train_teacher", "train_student"},
        ),
        ("report/page.py", {"page"}, {"tables", "evaluate", "sweep"}),
        ("report/page.css", {"page"}, {"tables", "evaluate", "sweep"}),
        ("base/errors.py", set(), {"world", "gradcam", "train_teacher", "evaluate"}),
    ],
)
def test_edited_module_reruns_its_stage(
    edited: Workspace, module: str, reruns: set[str], untouched: set[str]
) -> None:
    path = edited.folder / "src/gcdr" / module
    path.write_text(path.read_text() + "\n# edited\n")
    planned = set(edited.planned())
    assert reruns <= planned
    assert not planned & untouched


def test_labels_from_one_world_and_unlabelled_people_from_another(done: Workspace) -> None:
    done.write("transfer.yaml", TRANSFER)
    done.write(
        "fewer.yaml", FEWER.replace("priors: {ofa-world: {shards: 1}}", "")
    )  # those of smoke are there
    run = done.snakemake(configs=(SMOKE, "transfer.yaml", "fewer.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    drawn = re.findall(r"^ *\d+ of \d+.*: draw the world", run.stdout, re.M)
    assert len(drawn) == 1  # the other is there
    assert (done.folder / "results/transfer/report.html").exists()
    people = pd.read_parquet(done.folder / "results/data/smoke--here--here/manifest.parquet")
    labels = pd.read_parquet(done.folder / "results/transfer/labels25-seed0/labels.parquet")
    source = people["image"].str.split("/").str[0]
    role = labels.set_index("sample_id")["role"].reindex(people["sample_id"])
    assert set(source[role.isin(["labelled", "validation"]).to_numpy()]) == {"smoke"}
    assert set(source[(role == "unlabelled").to_numpy()]) == {"here"}
    metrics = done.folder / "results/transfer/labels25-seed0/metrics/vat+vat.json"
    assert "labels of smoke" in json.loads(metrics.read_text())["dataset"]


def test_own_photographs_go_through_the_same_rules(done: Workspace) -> None:
    photos = done.folder / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    rows = ["image,head_x0,head_y0,head_x1,head_y1"]
    for number, (width, height) in enumerate([(1920, 1080), (640, 853)]):
        blurred = Image.fromarray(rng.integers(0, 255, (9, 16, 3), dtype=np.uint8))
        blurred.resize((width, height), Image.Resampling.BICUBIC).save(
            photos / f"Küche {number}.jpg"
        )
        rows.append(f"Küche {number}.jpg,{width * 0.4},{height * 0.2},{width * 0.5},{height * 0.4}")
    bad = photos / "Küche 2.jpg"
    bad.write_bytes((photos / "Küche 0.jpg").read_bytes()[:2000])
    rows.append("Küche 2.jpg,600,200,700,400")
    (photos / "heads.csv").write_text("\n".join(rows) + "\n")
    done.write(
        "teach.yaml",
        "studies: {photos: {teacher: smoke}}\nfailures: 0.5\n"
        "datasets: {photos: {drawn: true}}\ndetect: {weights: assets/world/detector}\n",
    )
    configs = (SMOKE, "configs/folder.yaml", "teach.yaml")
    planned = set(done.planned(configs=configs))
    assert not planned & {"world", "split", "train_teacher", "train_diffusion", "train_student"}
    run = done.snakemake(configs=configs)
    assert run.returncode == 0, run.stdout[-4000:]
    page = (done.folder / "results/photos/gallery.html").read_text()
    assert "have seen only drawings" in page and page.count("<img") == 2
    drawn = [path.name for path in (done.folder / "results/photos/gallery").glob("*.jpg")]
    assert len(drawn) == 8 and all(f"gallery/{name}" in page for name in drawn if "scene" in name)
    assert "1 without a pseudo-label are not shown" in page
    logs = logs_that_name(bad.name, done.folder / "logs/photos")
    assert logs >= {"read", "detect/1-of-1", "samples-56"}
    predicted = pd.read_csv(done.folder / "results/photos/predictions.csv")
    given = pd.read_csv(photos / "heads.csv").sort_values("image", ignore_index=True)
    assert predicted[list(given)].equals(given[:2])  # of the cut picture nothing is said
    assert predicted[["gaze_x", "gaze_y"]].notna().all(axis=None)
    assert (predicted["source"] == "map").all()


def test_own_pictures_without_head_boxes_go_from_detection_to_the_gallery(done: Workspace) -> None:
    pictures = done.folder / "pictures"
    pictures.mkdir()
    for index in range(3):
        drawn = render(draw_scene(4711, index, STYLES["gaze"]))
        Image.fromarray(drawn).save(pictures / f"{index}.png")
    (pictures / "broken.jpg").write_text("no picture")
    done.write(
        "found.yaml",
        "datasets: {found: {kind: folder, images: pictures, drawn: true}}\n"
        "heads: {weights: assets/world/heads, score: 0.6}\n"
        "studies: {found: {dataset: found, seed: 0, teacher: smoke}}\n"
        "report: {studies: []}\ngalleries: [found]\n",
    )
    configs = (SMOKE, "found.yaml")
    planned = done.planned(configs=configs)
    assert planned["find_heads"] == planned["read"] == planned["detect"] == 1
    assert not set(planned) & {"world", "split", "train_teacher", "train_diffusion"}
    run = done.snakemake(configs=configs)
    assert run.returncode == 0, run.stdout[-4000:]
    heads = pd.read_csv(done.folder / "results/data/found/heads.csv")
    people = pd.read_parquet(done.folder / "results/data/found/manifest.parquet")
    assert len(people) == len(heads) >= 3 and people["split"].eq("test").all()
    log = (done.folder / "logs/found/find_heads.log").read_text()
    assert "skipped: pictures/broken.jpg" in log and "1 could not be read" in log
    page = (done.folder / "results/found/gallery.html").read_text()
    assert "have seen only drawings" in page and page.count("<img") >= 3
    assert done.planned(configs=configs) == {}
    (pictures / "2.png").rename(pictures / "3.png")
    assert {"find_heads", "read", "gallery"} <= set(done.planned(configs=configs))


ADVISED = """
studies: {advised: {dataset: smoke, seed: 3}}
report: {name: advised, studies: [advised], methods: [vat, gcdr], advice: true, parts: [50]}
split: {share: 50, validation: 0.3}
gaze: {recipe: {steps: 5}}
diffusion: {recipe: {steps: 5}}
refine: {timestep: auto, auto: {timesteps: [100, 450], repeats: 1}}
"""


@pytest.mark.slow
def test_the_report_says_what_to_do_about_labels(done: Workspace) -> None:
    configs = (SMOKE, done.write("advised.yaml", ADVISED))
    run = done.snakemake(configs=configs)
    assert run.returncode == 0, run.stdout[-4000:]
    page = (done.folder / "results/advised/report.html").read_text()
    _, _, said = page.partition('id="next"')
    said = said.partition("</section>")[0]
    assert "label_curve" in str(sorted((done.folder / "results/advised/figures").glob("*.svg")))
    shown = [re.sub(r"<[^>]*>", "", row) for row in re.findall(r"<li>(.*?)</li>", said, re.S)]
    # Of VAT, of GCDR, which of them is better, and whether the prior helps.
    assert len(shown) == 4 and all(re.search("labels? |prior", line) for line in shown), shown
    assert sorted(line.partition(": ")[0] for line in shown[:2]) == ["GCDR", "VAT (supervised)"]
    assert "GCDR" in shown[2] and "VAT" in shown[2] and "advised: " in shown[3]
    labels = pd.read_parquet(done.folder / "results/advised/labels50-seed3/labels.parquet")
    held_out = int(((labels["role"] == "validation") & labels["gaze_x"].notna()).sum())
    curve = re.search(r"<table.*?</table>", said, re.S)
    assert curve and curve[0].count("<tr") == 1 + 4 and f">{held_out}<" in curve[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("refine: {timesteps: 250}\n", ["refine.timesteps", "did you mean timestep"]),
        ("split: {share: ten}\n", ["split.share", '"ten"', "integer"]),
        ("split: {share: 0}\n", ["split.share", "1"]),
        ("refine: {timestep: 900}\n", ["refine.timestep", "900", "2 (refine.steps) to 499"]),
        ("studies: {smoke: {dataset: missing}}\n", ["studies.smoke.dataset", "missing"]),
        ("priors: {ofa-world: {layer: 7}}\n", ["priors.ofa-world", "layer: found 7", "[1, 2]"]),
        (
            "priors: {ofa-world: {tagger: spacy}}\n",
            ["priors.ofa-world.tagger", "_sm not installed"],
        ),
        (
            "priors: {ofa-world: {weights: nowhere}}\n",
            ["priors.ofa-world.weights", "nowhere/model.s"],
        ),
        (
            "datasets: {mine: {kind: folder, images: configs}}\nheads: {weights: nowhere}\n"
            "studies: {mine: {dataset: mine, seed: 0}}\nreport: {studies: [mine]}\n",
            ["heads.weights", "nowhere/model.safetensors", "datasets.mine has no table"],
        ),
        ("device: gpu\n", ["device", "gpu"]),
        ("processes: 2\ndevice: cuda:1\n", ["device: found 'cuda:1' for 2 processes"]),
        ("processes: 48\n", ["processes: found 48, expected at most", "gaze.recipe"]),
        ("report: {methods: [gcrd]}\n", ["report.methods", "gcrd", "gcdr-mt"]),
        ("gaze: {recipe: {epochs: 2}}\n", ["gaze.recipe", "steps", "exactly one"]),
        ("gaze: {model: cat}\n", ["gaze.model", "'cat'", "one of gaze.models: vat"]),
        ("gaze: {models: {vat: {kind: cat}}}\n", ["gaze.models.vat.kind", "'cat'", "one of vat"]),
        (
            "gaze: {models: {vat: {init: none}}}\n",
            ["gaze.models.vat.init", "none/model.safetensors"],
        ),
        ("gaze: {labelled_per_batch: {default: 32}}\n", ["gaze.labelled_per_batch", "32"]),
        ("split: {share: 50, unlabelled: 60}\n", ["split.unlabelled", "at most 50"]),
        (
            "split: {share: 100}\n",
            ["split.share", "smoke nobody without a label", "semi-vat, gcdr"],
        ),
        (
            "studies: {a: {labelled: [smoke], seed: 0}}\n",
            ["studies.a", "labelled, unlabelled and test"],
        ),
        (
            "studies: {a: {labelled: [smoke], unlabelled: [nowhere], test: smoke, seed: 0}}\n",
            ["studies.a.unlabelled", "no data set 'nowhere'"],
        ),
        (
            "studies: {a: {labelled: [smoke, other], unlabelled: [smoke], test: smoke, seed: 0}}\n"
            "split: {released: somewhere}\n",
            ["studies.a.labelled", "expected one data set with split.released"],
        ),
        (
            "studies: {smoke: {init: {study: a, model: vat}}, "
            "a: {dataset: smoke, seed: 0, init: {study: smoke, model: vat}}}\n",
            ["studies.smoke.init", "in a circle, smoke from a from smoke"],
        ),
        ("datasets: {smoke: {train_people: 10}}\nsplit: {share: 4}\n", ["nobody labelled"]),
    ],
)
def test_wrong_configuration_is_named(tmp_path: Path, overlay: str, said: list[str]) -> None:
    with pytest.raises(WorkflowError) as error:
        check_overlay(overlay, tmp_path)
    assert all(part in str(error.value) for part in said), error.value


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("refine: {timesteps: 250}\n", "refine.timesteps"),
        ("studies: {smoke: {dataset: missing}}\n", "studies.smoke.dataset"),
    ],
)
def test_wrong_configuration_ends_snakemake_at_once(
    planning: Workspace, overlay: str, said: str
) -> None:
    planning.write("wrong.yaml", overlay)
    run = planning.snakemake(configs=(SMOKE, "wrong.yaml"))
    assert run.returncode != 0
    assert said in run.stdout and "Traceback" not in run.stdout
    assert not list((planning.folder / "results").rglob("*.*"))


def test_settings_on_the_command_line_are_read_as_in_a_file(planning: Workspace) -> None:
    run = planning.snakemake("-n", "--config", "refine={timestep: 123}", configs=(SMOKE,))
    assert run.returncode == 0, run.stdout
    assert "gcdr-t123-n2-k1+ofa-world-body+vat" in run.stdout


def test_choices_of_other_draws_lie_side_by_side(planning: Workspace) -> None:
    """And a name that is asked for says itself how many, whatever is configured."""
    planning.write("k.yaml", "refine: {draws: 8}\n")
    split = "results/smoke/labels25-seed0"
    asked = [f"{split}/pseudo/gcdr-tauto-{drawn}+ofa-world-body.h5" for drawn in ("k1", "k8")]
    run = planning.snakemake("-n", "-p", *asked, configs=(SMOKE, "k.yaml"))
    assert run.returncode == 0, run.stdout
    assert f"{split}/timestep/configured+ofa-world-body.json" in run.stdout
    assert f"{split}/timestep/configured-k8+ofa-world-body.json" in run.stdout
    commands = re.findall(r"^Shell command: (.*choose_timestep.*)$", run.stdout, re.M)
    draws = {
        re.search(r"timestep/(\S+?)\+", one)[1]: re.search(r'"draws": (\d+)', one)[1]
        for one in commands
    }
    assert draws == {"configured": "1", "configured-k8": "8"}


def test_plan_of_every_share_and_of_unlabelled_people(planning: Workspace) -> None:
    planning.write("u.yaml", "split: {share: 10, unlabelled: 50}\n")
    run = planning.snakemake("-n", "-p", configs=(SMOKE, "u.yaml"))
    assert run.returncode == 0, run.stdout
    assert "results/smoke/labels10-unlabelled50-seed0/labels.parquet" in run.stdout
    assert '"share": 10, "unlabelled": 50' in run.stdout
    planning.write("all.yaml", "split: {share: 100}\nreport: {methods: [vat, vat-gc]}\n")
    planned = planning.planned(configs=(SMOKE, "all.yaml"))
    assert "tables" in planned and not set(planned) & {"train_student", "page", "predict_labels"}


def test_results_that_cannot_be_written(workspace: Workspace) -> None:
    workspace.write("results", "a file where the folder should be\n")
    run = workspace.snakemake()
    assert run.returncode != 0 and "results cannot be written" in run.stdout
