"""What a run will take: rates measured here, and what a plan adds up to."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from snakemake.utils import update_config

from gcdr.cli import cli_forecast
from gcdr.cli.commands import main
from gcdr.forecast import learning_rates
from gcdr.forecast import machine_rates as rates
from gcdr.forecast.learning_rates import Learner
from gcdr.forecast.machine_rates import Rates, measure_rates
from gcdr.forecast.sums import Job, bytes_of, read_jobs, stages, state_bytes, wall
from gcdr.models.build import save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.named import kind_of
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.settings.job_needs import read_figures

ROOT = Path(__file__).parents[2]
TABLE = read_figures(ROOT / "workflow/resources.yaml")
CPU = torch.device("cpu")
PLAN = [
    ("samples", {"dataset": "smoke", "size": "56"}, {"seconds": 8, "mem_mb": 1300, "gpu": 0}),
    *[("gradcam", {"dataset": "smoke", "store": "ofa-world-body", "shard": str(n), "shards": "2"},
       {"seconds": 100, "mem_mb": 1700, "gpu": 1}) for n in (1, 2)],
]  # fmt: skip


def smoke() -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name in ("config.yaml", "configs/smoke.yaml"):
        update_config(config, yaml.safe_load((ROOT / name).read_text()))
    return config


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    lines = [{"rule": rule, "wildcards": w, "threads": 1, "resources": r} for rule, w, r in PLAN]
    (tmp_path / "jobs").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "jobs"


@pytest.mark.slow
def test_models_of_a_configuration_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_rates, "ENOUGH", 0.0)
    monkeypatch.setattr(rates, "starting", lambda: 2 * TABLE.start)
    found = measure_rates(smoke(), {"train_student", "make_labels"}, TABLE, CPU)
    assert set(found.models) == {"vat world", "denoiser world"} and not found.notes
    vat, denoiser = found.models["vat world"], found.models["denoiser world"]
    assert 0 < vat.ask < 1 and 0 < vat.learn < 1 and 0 < denoiser.step < 1
    assert vat.mb == TABLE.models["vat world"].mb
    here = found.laid_over(TABLE)
    assert here.rules["evaluate"].seconds == 2 * TABLE.rules["evaluate"].seconds
    assert here.models["vat world"] == vat and here.models["vat paper"] == TABLE.models["vat paper"]


def test_a_gpu_that_was_measured_is_counted_once() -> None:
    here = Rates({}, TABLE.start, [], on_gpu=True).laid_over(TABLE)
    assert here.gpu.faster == 1
    assert here.models["vat paper"].learn == TABLE.models["vat paper"].learn / TABLE.gpu.faster


def test_a_batch_that_does_not_fit_is_halved_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(torch.nn.Linear):
        def stored_state(self) -> dict[str, torch.Tensor]:
            return self.state_dict()

    def loss(count: int):
        def of_batch() -> torch.Tensor:
            if count > 20:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return model.weight.sum()

        return of_batch

    monkeypatch.setattr(learning_rates, "ENOUGH", 0.0)
    monkeypatch.setattr(learning_rates, "set_precision", lambda *_: None)
    model, told = Model(2, 2), []
    recipe = rates.gaze_training(smoke(), 10, "vat", student=True).recipe
    large = replace(recipe, batch=80)
    here = Learner(model, "vat", loss, CPU, told)
    here.seconds(large, "gaze.recipe")
    assert told == [
        "vat: a batch of 80 is too large for the memory here, 20 fit: set gaze.recipe.batch to that, and "
        "labelled_per_batch below it, in a further file of CONFIG, or take a larger GPU"
    ]
    here.try_batch(large, "gaze.teacher", "labels alone")
    assert len(told) == 1  # memory of the machine is asked for, not tried
    gpu = Learner(model, "vat", loss, torch.device("cuda"), told)
    for twice in (False, True):
        gpu.try_batch(large, "gaze.teacher", "labels alone", twice)
        assert (
            "vat by labels alone: a batch of 80" in told[-1]
            and "set gaze.teacher.batch" in told[-1]
        )
    gpu.try_batch(replace(recipe, batch=16), "gaze.recipe", "labels", twice=True)
    assert len(told) == 3


def test_jobs_add_up_by_rule(plan: Path) -> None:
    jobs = read_jobs(plan)
    samples, gradcam = stages(jobs, smoke())
    assert (samples.jobs, samples.seconds, samples.gpu) == (1, 8, False)
    assert samples.bytes == 2 * 3 * 56**2 * 320
    assert (gradcam.jobs, gradcam.seconds, gradcam.mb, gradcam.gpu) == (2, 200, 1700, True)
    assert wall(jobs, cores=2, gpus=1) == 204 and wall(jobs, cores=8, gpus=4) == 100
    assert wall([Job("a", {}, 7, 1, 0)] * 4, cores=2, gpus=0) == 14


def test_a_disk_that_is_too_small_is_said_before(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(cli_forecast, "_planned", lambda *_: read_jobs(plan))
    asked = ["forecast", "--configfile", "configs/smoke.yaml", "--as-written", "--cores", "2"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "gradcam" in said and "at least 3 min of the clock on 2 cores and 1 GPU" in said
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert main(asked) == 1
    assert "the disk is too small: results need about 0.0 GB" in capsys.readouterr().out


def test_nothing_to_do_and_no_repository_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_forecast, "_planned", lambda *_: [])
    monkeypatch.chdir(ROOT)
    assert main(["forecast", "--configfile", "configs/smoke.yaml"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert main(["forecast"]) == 2
    assert "expected the top folder of the repository" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "name", "build"),
    [
        ("students", "gcdr-tauto-k1+ofa-world-body", lambda: VAT(VATConfig.world())),
        ("teachers", "vat", lambda: VAT(VATConfig.world())),
        ("teachers", "diffusion", lambda: Denoiser(replace(DenoiserConfig.world(), head="mass"))),
    ],
)
def test_models_and_states_are_counted(tmp_path: Path, kind: str, name: str, build: Any) -> None:
    """As large as the file that a training writes, but for the names in it."""
    config = smoke()
    config["diffusion"]["head"] = "mass"
    job = Job("train_student", {"study": "smoke", "kind": kind, "name": name}, 1, 1, 0)
    save_model(tmp_path / "model", build())
    size = (tmp_path / "model/model.safetensors").stat().st_size
    assert 0.95 * size < bytes_of(job, config) < size
    assert state_bytes([job], config) == 4 * bytes_of(job, config)
    lines, _ = cli_forecast.forecast_lines(stages([job], config), [job], 1, 5e9)
    assert "and 5.00 GB of state for each training that runs" in lines


def test_the_state_of_temporal_ensembling_has_everybodys_map() -> None:
    config = smoke()
    plain, ensemble = (
        state_bytes(
            [Job("", {"study": "smoke", "kind": "teachers", "name": f"{name}+vat"}, 1, 1, 0)],
            config,
        )
        for name in ("vat-mt", "vat-te")
    )
    assert ensemble - plain == 320 * 2 * 32**2, "half precision"


def test_tokens_are_counted() -> None:
    """Half precision, each picture as it is and flipped."""
    config = smoke()
    size = config["gaze"]["models"]["gazelle"]["size"]
    model = kind_of("gazelle").build(kind_of("gazelle").sized(size, False))
    values = torch.Size(model.token_shape).numel()
    job = Job("tokens", {"dataset": "smoke", "backbone": "any"}, 1, 1, 0)
    assert bytes_of(job, config) == 2 * 2 * values * 320
