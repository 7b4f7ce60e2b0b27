"""Tables, figures and pages from made-up results."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from workflow_runs import ROOT

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.seeds import numpy_rng
from gcdr.config.typical import TYPICAL, settings_digest, typical_file
from gcdr.report import figures, overlays, page, sections, summary, tables, timing, typeset
from gcdr.report.rows import PAPER

MEANS = {
    ("gradcam", "maps"): 0.212,
    ("diffusion-gc", "maps"): 0.160,
    ("vat", "teacher"): 0.159,
    ("semi-vat", "student"): 0.147,
    ("gcdr", "student"): 0.135,
    ("human", "baseline"): 0.067,
}
METHODS = ["gradcam", "diffusion-gc", "vat", "semi-vat", "semi-vat-gc", "gcdr", "human"]


def entry(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.008, "high": value + 0.009}


def metrics_file(folder: Path, method: str, kind: str, seed: int, value: float, **more) -> Path:
    timestep = more.pop("timestep", 250 if method == "gcdr" else None)
    variant = f"{method}-t{timestep}" if timestep else method
    content = {
        "format": 1,
        "study": "demo",
        "dataset": "demo",
        "share": 10,
        "seed": seed,
        "variant": variant,
        "method": method,
        "kind": kind,
        "timestep": timestep,
        "people": 1000,
        "metrics": {
            "dist_to_mean": entry(value),
            "dist_to_mean_reference": entry(value + 0.007),
            "mean_dist": entry(value + 0.03),
            "min_dist": entry(value - 0.05),
            "min_dist_reference": entry(value - 0.046),
            "auc": entry(1.05 - value),
        },
        "definitions": {"dist_to_mean": "distance to the annotators’ mean <point>"},
        **more,
    }
    path = folder / f"{variant}-seed{seed}.json"
    path.write_text(json.dumps(content))
    return path


def metrics_files(folder: Path, seeds: int) -> list[Path]:
    return [
        metrics_file(folder, method, kind, seed, mean + 0.004 * (seed - 1))
        for (method, kind), mean in MEANS.items()
        for seed in range(seeds)
    ]


def test_without_validation_people_nothing_is_said_of_them_and_nothing_starred() -> None:
    """Of test people alone: they have no say in the timestep."""
    columns = {
        "timestep": [100, 250],
        "test": [0.2, 0.3],
        "test_std": [np.nan] * 2,
        "test_runs": [1, 1],
    }
    alone = pd.DataFrame(columns)
    both = alone.assign(val=[0.2, 0.1], val_std=np.nan, val_runs=1)
    for table, known in ((alone, False), (both, True)):
        section = sections.sweep_section(table, None, ["demo: t = 100, 2 steps"])
        assert section is not None and "demo: t = 100, 2 steps" in section.body
        assert ("Validation people" in section.body) == known
        text = typeset.sweep_text(table)
        assert ("*" in text) == known and ("best timestep" in text) == known


def test_whose_point_follows_the_head_stands_on_the_page_alone(tmp_path: Path) -> None:
    """Of maps and of models; the terminal's table is as wide as it was."""
    files = metrics_files(tmp_path, 1)
    followed = {"gradcam": 0.31, "diffusion-gc": 0.64, "gcdr": 0.97}
    for path in files:
        content = read_json(path)
        if content["method"] in followed:
            more = {"asked": entry(0.5), "moved": entry(followed[content["method"]])}
            path.write_text(json.dumps(content | {"metrics": content["metrics"] | more}))
    table = tables.table1(tables.read_metrics(files), METHODS)
    body = str(sections.results_section(table, None, None, "").body)
    swapped = body[body.index("Whether the asked person is looked at") :]
    swapped = swapped[: swapped.index("</table>")]
    names = {row["method"]: row["name"] for _, row in table.iterrows()}
    assert "Moves with head" in swapped
    for method, name in names.items():
        assert (name in swapped) == (method in followed), method
    assert all(f"{value:.3f}" in swapped for value in followed.values())
    assert "Moves with head" not in body.replace(swapped, "")
    assert "Moves" not in typeset.table1_text(table)
    without = tables.table1(tables.read_metrics(metrics_files(tmp_path, 1)), METHODS)
    assert "Moves with head" not in sections.results_section(without, None, None, "").body


def test_the_diffusion_model_may_be_the_best_and_the_prior_may_not(tmp_path: Path) -> None:
    kinds = {"gcdr": ("student", 0.15), "diffusion-gc": ("maps", 0.14), "gradcam": ("maps", 0.10)}
    files = [metrics_file(tmp_path, name, kind, 0, value) for name, (kind, value) in kinds.items()]
    markdown = typeset.table1_markdown(tables.table1(tables.read_metrics(files), list(kinds)))
    assert "**0.140**" in markdown and "**0.100**" not in markdown and "**0.150**" not in markdown


def test_maps_of_every_prior_have_a_row(tmp_path: Path) -> None:
    """Refined and raw maps of two prior stores stand side by side, under their variants."""
    named = {
        "diffusion-gc-gcdr-t250-n2-k1+a": ("diffusion-gc", 0.14),
        "diffusion-gc-gcdr-t250-n2-k1+b": ("diffusion-gc", 0.15),
        "gradcam+a": ("gradcam", 0.21),
        "gradcam+b": ("gradcam", 0.22),
    }
    files = []
    for name, (method, value) in named.items():
        (tmp_path / name).mkdir()
        files.append(metrics_file(tmp_path / name, method, "maps", 0, value, variant=name))
    files.append(metrics_file(tmp_path, "human", "baseline", 0, 0.067))
    results = tables.read_metrics(files)
    found = tables.table1(results, summary.rulers(results))
    assert found["variant"].tolist() == [*named, "human"]


def sweep_files(folder: Path, seeds: int) -> list[Path]:
    paths = []
    for seed in range(seeds):
        rows = [
            {
                "sampler": sampler,
                "timestep": t,
                "set": name,
                "dist_to_mean": 0.155 + ((t - 250) / 900) ** 2 + 0.003 * seed + shift + worse,
                "min_dist": 0.11,
                "auc": 0.9,
            }
            for t in (100, 200, 250, 300, 450)
            for name, shift in (("val", 0.01), ("test", 0.0))
            for sampler, worse in (("consistent", 0.0), ("reference", 0.02))
        ]
        content = {"format": 1, "study": "demo", "seed": seed, "share": 10, "rows": rows}
        path = folder / f"sweep{seed}.json"
        people = {"val": 48, "test": 1000}
        path.write_text(json.dumps({**content, "sampler": "consistent", "people": people}))
        paths.append(path)
    return paths


def example(index: int = 0, group: str = "good") -> overlays.Example:
    rng = numpy_rng(0, "report-test", index)
    image = rng.integers(60, 200, size=(48, 64, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:32, :32]
    bump = np.exp(-((columns - 20) ** 2 + (rows - 10) ** 2) / 18).astype(np.float32)
    return overlays.Example(
        image=image,
        head_box=(10, 5, 20, 16),
        body_box=(6, 4, 26, 44),
        gradcam=rng.random((8, 8)).astype(np.float32),
        pseudo_label=bump,
        prediction=bump * 0.3,
        annotations=rng.random((10, 2)),
        question="What is the person in the green box looking at?",
        answer="ball",
        group=group,
    )


def test_one_run_shows_the_bootstrap_interval(tmp_path):
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 1)), METHODS)
    row = table.set_index("method").loc["gcdr"]
    assert row["runs"] == 1 and np.isnan(row["dist_to_mean_std"])
    assert (row["dist_to_mean_low"], row["dist_to_mean_high"]) == pytest.approx((0.123, 0.140))
    markdown = typeset.table1_markdown(table)
    assert "**0.131** [0.123, 0.140]" in markdown
    assert "95 % bootstrap interval" in markdown and "standard deviation" not in markdown


def test_three_runs_show_mean_and_standard_deviation(tmp_path):
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 3)), METHODS)
    row = table.set_index("method").loc["vat"]
    assert row["runs"] == 3
    assert row["dist_to_mean"] == pytest.approx(0.159)
    assert row["dist_to_mean_std"] == pytest.approx(0.004)
    assert np.isnan(row["dist_to_mean_low"])
    assert row[["paper_dist_to_mean", "paper_min_dist", "paper_auc"]].tolist() == list(
        PAPER[10]["vat"]
    )
    assert "**0.135** ±0.004" in typeset.table1_markdown(table)


@pytest.mark.slow
def test_what_was_not_measured_is_absent_and_not_zero(tmp_path):
    results = tables.read_metrics(metrics_files(tmp_path, 3))
    table = tables.table1(results, METHODS)
    assert "semi-vat-gc" not in set(table["method"])
    assert list(table["method"]) == [name for name in METHODS if name != "semi-vat-gc"]
    without = results[~((results["method"] == "human") & (results["metric"] == "auc"))]
    table = tables.table1(without, METHODS)
    assert np.isnan(table.set_index("method").loc["human", "auc"])
    assert "0.000" not in typeset.table1_markdown(table)
    with pytest.raises(InputError, match="none of the methods"):
        tables.table1(results, ["semi-vat-gc"])


def test_terminal_table(tmp_path):
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 3)), METHODS)
    text = typeset.table1_text(table, "Demo world, 10 % labels")
    lines = text.splitlines()
    assert lines[0] == "Demo world, 10 % labels"
    assert set(lines[1]) == {"─"} and len(lines[1]) <= 92
    row = next(line for line in lines if line.startswith("GCDR"))
    assert re.split(r"\s{2,}", row)[:2] == ["GCDR", "3"]
    assert re.split(r"\s{2,}", row)[2:] == [
        ".135 ±.004*",
        ".085 ±.004*",
        ".915 ±.004*",
        ".179/.115/.886",
    ]
    human = next(line for line in lines if line.startswith("One annotator"))
    assert "*" not in human and human.endswith("–"), "a baseline is never the best model"
    assert "paper, GazeFollow" in text and "argmax/size" not in text


def test_what_several_worlds_gave_stands_beside_one(tmp_path):
    """Their own settings are told by a digest: others show nothing of them."""
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 1)), METHODS)
    file = tmp_path / "typical.json"
    file.write_text(json.dumps({"runs": 6, "settings": "x", "rows": {"gcdr-t250": [0.151, 0.004]}}))
    beside = tables.with_typical(table, file)
    text, page = typeset.table1_text(beside), typeset.table1_markdown(beside)
    row = next(line for line in text.splitlines() if line.startswith("GCDR"))
    assert "  .151 ±.004  " in row and "“6 worlds”" in text
    assert "| 0.151 ±0.004 |" in page and "AvgDist (6 worlds) ↓" in page
    assert tables.with_typical(table, None) is table and "worlds" not in typeset.table1_text(table)


def test_figures_of_several_worlds_are_those_of_the_same_settings(tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    digest = settings_digest(config)
    if (ROOT / TYPICAL).is_file():
        made = read_json(ROOT / TYPICAL)["settings"]
        assert made == digest, "the defaults have changed: run benchmarks/typical.py, or delete it"
    file = tmp_path / "typical.json"
    file.write_text(json.dumps({"settings": digest}))
    assert (
        typical_file(config, file) == [str(file)] and typical_file(config, tmp_path / "none") == []
    )
    config["datasets"]["demo"]["seed"] = config["studies"]["demo"]["seed"] = 5
    assert settings_digest(config) == digest
    config["datasets"]["demo"]["train_people"] = 120
    assert typical_file(config, file) == []
    config["datasets"]["demo"]["kind"] = "folder"
    assert settings_digest(config) is None


def test_paper_numbers_only_beside_the_papers_share(tmp_path):
    path = metrics_file(tmp_path, "vat", "teacher", 0, 0.18, share=7)
    table = tables.table1(tables.read_metrics([path]), ["vat"])
    assert not typeset.has_paper(table)
    assert "paper" not in typeset.table1_text(table) + typeset.table1_markdown(table)


def test_paired_differences_cancel_what_runs_share(tmp_path):
    results = tables.read_metrics(metrics_files(tmp_path, 3))
    gaps = tables.paired_differences(results, "vat", METHODS).set_index("method")
    assert "vat" not in gaps.index
    assert gaps.loc["gcdr", "difference"] == pytest.approx(-0.024)
    assert gaps.loc["gcdr", "std"] == pytest.approx(0, abs=1e-12)
    assert gaps.loc["gcdr", "better"] == 3 and gaps.loc["gradcam", "better"] == 0
    assert "3 of 3" in typeset.differences_markdown(gaps.reset_index())
    auc = tables.paired_differences(results, "vat", ["gcdr"], "auc")
    assert auc["better"].tolist() == [3]


def test_several_variants_of_a_method_must_be_named(tmp_path):
    paths = [metrics_file(tmp_path, "gcdr", "student", 0, 0.14, timestep=t) for t in (200, 250)]
    results = tables.read_metrics(paths)
    with pytest.raises(InputError, match="gcdr-t200, gcdr-t250"):
        tables.table1(results, ["gcdr"])
    assert tables.table1(results, ["gcdr-t200"])["timestep"].tolist() == [200]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.1", True])
def test_numbers_that_are_none_are_refused(tmp_path, value):
    metrics = {"auc": {"value": 0.9, "low": value, "high": 0.95}}
    path = metrics_file(tmp_path, "vat", "teacher", 0, 0.2, metrics=metrics)
    with pytest.raises(InputError, match=r"auc\.low"):
        tables.read_metrics([path])


def test_bad_metrics_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="format"):
        tables.read_metrics([metrics_file(tmp_path, "vat", "teacher", 0, 0.2, format=2)])
    with pytest.raises(InputError, match="kind"):
        tables.read_metrics([metrics_file(tmp_path, "vat", "pupil", 0, 0.2)])
    path = metrics_file(tmp_path, "vat", "teacher", 0, 0.2)
    with pytest.raises(InputError, match="also in"):
        tables.read_metrics([path, path])
    with pytest.raises(InputError, match="no metrics file"):
        tables.read_metrics([])
    other = metrics_file(tmp_path, "gcdr", "student", 0, 0.2, share=5)
    with pytest.raises(InputError, match="one share"):
        tables.table1(tables.read_metrics([path, other]), ["vat"])


def test_tables_without_a_sweep_leave_none_of_before(tmp_path: Path) -> None:
    files = [metrics_file(tmp_path, "vat", "teacher", 0, 0.2)]
    for sweeps in (sweep_files(tmp_path, 1), []):
        summary.write_tables(files, sweeps, ["vat"], "gcdr", tmp_path / "out")
        assert (tmp_path / "out/sweep.csv").exists() == bool(sweeps)
        said = (tmp_path / "out/summary.txt").read_text()
        assert "VAT" in said and ("Noise timestep" in said) == bool(sweeps)


def test_sweep_table(tmp_path):
    students = [
        metrics_file(tmp_path, "gcdr", "student", seed, 0.14 + 0.002 * seed, timestep=t)
        for seed in range(3)
        for t in (100, 250)
    ]
    sweeps = tables.read_sweeps(sweep_files(tmp_path, 3))
    table = tables.sweep_table(sweeps, tables.read_metrics(students)).set_index("timestep")
    assert list(table.index) == [100, 200, 250, 300, 450]
    assert table.loc[250, "test"] == pytest.approx(0.158)
    assert table.loc[250, "test (reference)"] == pytest.approx(0.178)
    assert table.loc[250, "student_std"] == pytest.approx(0.002)
    assert np.isnan(table.loc[200, "student"])
    text = typeset.sweep_text(table.reset_index())
    assert ".158 ±.003*" in text and "–" in text
    results = tables.read_metrics(students)
    others = results.assign(gaze="another", value=0.9)
    mixed = pd.concat([results.assign(gaze="vat"), others], ignore_index=True)
    mixed = tables.sweep_table(sweeps, mixed).set_index("timestep")
    assert mixed.loc[250, "student"] == table.loc[250, "student"]  # never a mean over models
    alone = tables.sweep_table(sweeps[sweeps["set"] == "test"])
    assert list(alone) == ["timestep", "test", "test_std", "test_runs"]
    bad = json.loads(Path(sweep_files(tmp_path, 1)[0]).read_text())
    bad["rows"][0]["auc"] = float("nan")
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    with pytest.raises(InputError, match="row 1, auc"):
        tables.read_sweeps([tmp_path / "bad.json"])


def test_csv_keeps_precision_and_blanks(tmp_path):
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 1)), METHODS)
    typeset.write_csv_table(table, tmp_path / "out" / "table.csv")
    again = pd.read_csv(tmp_path / "out" / "table.csv")
    np.testing.assert_array_equal(again["auc"], table["auc"])
    assert again["dist_to_mean_std"].isna().all()


def benchmark(path: Path, wall: float, cpu: str, end: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"
    path.write_text(f"{columns}\n{wall}\t0:00:10\t512.5\t1\t1\t1\t0\t0\t95.0\t{cpu}\n")
    os.utime(path, (end, end))


def test_timing(tmp_path):
    benchmark(tmp_path / "train" / "a.tsv", 10.0, "9.0", 1010)
    benchmark(tmp_path / "train" / "b.tsv", 8.0, "8.0", 1020)
    benchmark(tmp_path / "tables.tsv", 4.0, "NA", 1024)
    benchmark(tmp_path / "late" / "c.tsv", 10.0, "9.0", 9010)
    jobs = timing.read_benchmarks(tmp_path)
    totals = timing.stage_totals(jobs).set_index("stage")
    assert list(totals.index) == ["train", "tables", "late"]
    assert totals.loc["train", ["jobs", "wall_s", "cpu_s"]].tolist() == [2, 18.0, 17.0]
    assert totals.loc["train", "max_rss_mib"] == 512.5
    assert np.isnan(totals.loc["tables", "cpu_s"])
    spent = timing.overhead(jobs, startup_s=1.0)
    assert spent.span_s == pytest.approx(34), "the two-hour pause between runs is left out"
    assert spent.gap_share == pytest.approx(2 / 34)
    assert spent.startup_share == pytest.approx(4 / 32)
    assert spent.share == pytest.approx(2 / 34 + 32 / 34 * 4 / 32)
    (tmp_path / "broken.tsv").write_text("h:m:s\n0:1:0\n")
    with pytest.raises(InputError, match=r"broken\.tsv: column s"):
        timing.read_benchmarks(tmp_path)


def test_peak_is_the_centre_of_the_argmax_cell():
    heatmap = np.zeros((4, 8), dtype=np.float32)
    assert overlays.peak(heatmap) is None
    heatmap[1, 6] = 0.5
    assert overlays.peak(heatmap) == (6.5 / 8, 1.5 / 4)


def test_blend_leaves_a_grey_scene_where_the_map_is_zero():
    scene = np.full((20, 30, 3), 128, dtype=np.uint8)
    np.testing.assert_array_equal(overlays.overlay_heatmap(scene, np.full((4, 4), np.nan)), scene)
    half = np.concatenate([np.zeros((4, 4)), np.ones((4, 4))], axis=1)
    shown = overlays.overlay_heatmap(scene, half)
    np.testing.assert_array_equal(shown[:, :8], scene[:, :8])
    assert np.abs(shown[:, -8:].astype(int) - 128).max() > 60


def test_panel_keeps_the_aspect_ratio():
    picture = overlays.panel(
        example().image, np.eye(8), head_box=(10, 5, 20, 16), answer="ball", size=120
    )
    assert picture.size == (120, 90)
    assert overlays.encode(picture, "JPEG").startswith(b"\xff\xd8\xff")


def all_figures(folder: Path) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    results = tables.read_metrics(metrics_files(folder, 3))
    table = tables.table1(results, METHODS)
    sweep = tables.sweep_table(tables.read_sweeps(sweep_files(folder, 3)), results)
    steps = np.arange(1, 200)
    log = pd.DataFrame({"step": steps, "loss": 1 / steps, "consistency_loss": 2 / steps})
    log.to_csv(folder / "log.csv", index=False)
    return {
        "overview": figures.overview([example()]),
        "sweep": figures.sweep(sweep, {"VAT (supervised)": 0.159}, chosen=250),
        "comparison": figures.comparison(table, results),
        "curves": figures.training_curves({"VAT": folder / "log.csv"}),
    }


@pytest.mark.slow
def test_figures_are_deterministic_and_themed(tmp_path):
    first, again = all_figures(tmp_path / "a"), all_figures(tmp_path / "b")
    assert first == again
    assert first["overview"].startswith(b"\x89PNG") and first["sweep"].startswith(b"<?xml")
    dark = figures.overview([example()], dark=True)
    assert dark.startswith(b"\x89PNG") and dark != first["overview"]
    results = tables.read_metrics(metrics_files(tmp_path / "a", 3))
    compared = tables.table1(results, METHODS), results
    found = figures.in_dark(first["comparison"]), figures.comparison(*compared, dark=True)
    unnamed = [re.sub(rb"\b[mp][0-9a-f]{10}\b", b"", one) for one in found]  # ids hash the colours
    assert unnamed[0] == unnamed[1] and found[0] != first["comparison"]


def test_figures_refuse_what_they_cannot_draw(tmp_path):
    (tmp_path / "log.csv").write_text("step,accuracy\n1,0.5\n")
    with pytest.raises(InputError, match=r"log\.csv.*expected step"):
        figures.training_curves({"VAT": tmp_path / "log.csv"})
    with pytest.raises(InputError, match="no example"):
        figures.overview([])


class Page(HTMLParser):
    """Checks that tags nest, and gathers what the page would fetch."""

    VOID = frozenset({"meta", "link", "img", "source", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img":
            assert values["alt"]
        if "id" in values:
            self.ids.add(values["id"])
        for name in ("src", "href", "srcset"):
            target = values.get(name, "")
            if target.startswith("#"):
                self.anchors.add(target[1:])
            elif target:
                self.fetched.append(target)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def full_context(folder: Path) -> page.Context:
    results = tables.read_metrics(metrics_files(folder, 3))
    pictures = {
        name: page.Picture(data, f"figure of {name}", dark=data)
        for name, data in all_figures(folder).items()
    }
    benchmark(folder / "bench" / "train" / "a.tsv", 100.0, "90.0", 1010)
    jobs = timing.read_benchmarks(folder / "bench")
    return page.Context(
        title="Gaze following on the demo world",
        summary=page.summary_text(results, labelled=240, training=2400),
        notice="Numbers are of the demo world, not of GazeFollow.",
        table=tables.table1(results, METHODS),
        definitions=tables.read_definitions(sorted(folder.glob("*-seed0.json"))),
        counts=[("trained with a label", "240")],
        distribution=pictures["sweep"],
        comparison=pictures["comparison"],
        differences=tables.paired_differences(results, "vat", METHODS),
        reference="VAT (supervised)",
        sweep=tables.sweep_table(tables.read_sweeps(sweep_files(folder, 3)), results),
        sweep_figure=pictures["sweep"],
        advice=["Label about 80 more <people>."],
        curve=(["Method", "labels"], [["GCDR", "240"]]),
        curve_figure=pictures["sweep"],
        examples=[example(0), example(1, "wrong"), example(2, "wrong")],
        curves=pictures["curves"],
        stages=timing.stage_totals(jobs),
        overhead=timing.overhead(jobs, 2.0),
        settings="refine:\n  timestep: 250  # <t>\n",
        versions={"gcdr": "0.1.0", "numpy": np.__version__},
    )


@pytest.mark.slow
def test_page_is_whole_and_self_contained(tmp_path):
    text = page.build_page(full_context(tmp_path))
    parsed = Page(text)
    assert all(target.startswith("data:") for target in parsed.fetched)
    assert "script" not in parsed.tags and "url(" not in text and "@import" not in text
    assert parsed.anchors <= parsed.ids
    assert "(240 of 2400)" in text and "not of GazeFollow" in text
    assert "mean &lt;point&gt;" in text and "# &lt;t&gt;" in text
    assert "3 runs (seeds 0, 1 and 2)" in text and "1 min 40 s" in text
    assert text.count("<h3>Wrong</h3>") == 1
    assert "<dt>trained with a label</dt><dd>240</dd>" in text
    assert text.count('scope="row"') == text.count('role="rowheader"') > 10
    assert "The paper&#39;s method: a student" in text and "VAT-MT" not in text
    assert (
        "80 more &lt;people&gt;" in text and "whom to label first" in text and "next" in parsed.ids
    )


def test_page_leaves_out_what_it_was_not_given(tmp_path):
    table = tables.table1(tables.read_metrics(metrics_files(tmp_path, 1)), METHODS)
    context = page.Context("Title", "Summary.", "Notice.", table)
    parsed = Page(page.build_page(context))
    named = {name for name in parsed.ids if not name.startswith(("row-", "results-"))}
    assert {"results", "reading", "settings"} == {
        one for one in named if not one.endswith("-title")
    }
    assert parsed.anchors <= parsed.ids
    with pytest.raises(InputError, match="PNG"):
        page.build_page(replace(context, comparison=page.Picture(b"GIF89a", "x")))


@pytest.mark.slow
def test_room_does_not_need_torch():
    code = (
        "import sys; from gcdr.report import figures, gallery, page, typeset, timing; "
        "sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_people_with_one_annotator_are_scored_as_in_videoattentiontarget(tmp_path: Path) -> None:
    """The AUC of their protocol stands in the tables, not that of one positive pixel."""
    path = metrics_file(tmp_path, "vat", "teacher", 0, 0.2)
    content = json.loads(path.read_text())
    content["metrics"]["auc_video"] = entry(0.7531)
    path.write_text(json.dumps(content))
    other = metrics_file(tmp_path, "centre", "baseline", 0, 0.3)  # a point: no map, no AUC
    content = json.loads(other.read_text())
    del content["metrics"]["auc"]
    other.write_text(json.dumps(content))
    results = tables.read_metrics([path, other])
    table = tables.table1(results, ["vat", "centre"])
    for text in (typeset.table1_text(table), typeset.table1_markdown(table)):
        assert "video protocol" in text and ("0.753" in text or ".753" in text)
        assert ".850" not in text, "the single pixel's"
        assert "19 x 19" in text and "pixels of the image" not in text
    shown = typeset.shown_metrics(table)
    assert "auc" not in shown and shown.index("auc_video") == 3
    (tmp_path / "many").mkdir()
    many = metrics_file(tmp_path / "many", "vat", "teacher", 0, 0.2)
    several = tables.table1(tables.read_metrics([many]), ["vat"])
    assert "auc_video" not in typeset.shown_metrics(several)
