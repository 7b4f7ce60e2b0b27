"""Released weights and imported maps in the workflow: what is planned, what is fetched and converted."""

import json

import torch
from download_server import Server
from ofa_reference import port_name, small_config
from small_weights import LIKE, write_shapes
from workflow_runs import Workspace

from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA

SMOKE = "configs/smoke.yaml"


def overlay(workspace: Workspace, text: str) -> tuple[str, ...]:
    workspace.write("o.yaml", text)
    return (SMOKE, "o.yaml")


def test_released_weights_are_planned(workspace: Workspace) -> None:
    """Released weights are converted, and fetched where they are not there."""
    large = "priors: {ofa-world: {weights: weights/ofa-large-fairseq/ofa_large.pt}}\n"
    planned = workspace.planned(configs=overlay(workspace, large))
    assert (planned["download"], planned["convert_weights"]) == (4, 1)
    configs = overlay(workspace, "priors: {ofa-world: {weights: weights/ofa-tiny}}\n")
    for name in ("config.json", "vocab.json", "merges.txt"):
        workspace.write(f"weights/ofa-tiny/{name}", "put here by hand")
    layers = {f"decoder.layers.{number}.fc1.weight": (1,) for number in range(4)}
    write_shapes(workspace.folder / "weights/ofa-tiny/pytorch_model.bin", LIKE["vqa"] | layers)
    planned = workspace.planned(configs=configs)
    assert "download" not in planned and planned["convert_weights"] == 1


def test_imported_maps_take_the_place_of_asking(workspace: Workspace) -> None:
    workspace.write("maps.pkl", "(d.")
    workspace.write("rows.txt", "," * 13)
    imported = (
        "prior: authors\npriors: {authors: {kind: pickles, "
        "imported: {%s: {pickles: [maps.pkl], annotations: [rows.txt]}}}}\n"
    )
    planned = workspace.planned(configs=overlay(workspace, imported % "smoke"))
    assert planned["import_prior"] == 1 and not {"gradcam", "merge"} & planned.keys()
    (workspace.folder / "maps.pkl").unlink()
    run = workspace.snakemake("-n", configs=overlay(workspace, imported % "smkoe"))
    assert "priors.authors.imported: no data set 'smkoe'" in run.stdout
    assert "found ['smkoe'], expected data set 'smoke' too" in run.stdout
    run = workspace.snakemake("-n", configs=overlay(workspace, imported % "smoke"))
    assert "priors.authors.imported.smoke.pickles: no file maps.pkl" in run.stdout


def test_from_an_address_to_a_model_that_answers(
    workspace: Workspace,
    server: Server,
) -> None:
    """The whole way on a small model; only the weights come through the server."""
    folder = workspace.folder / "weights/small"
    tokenizer = Tokenizer.train(["what is the person looking at?"], 270)
    torch.manual_seed(0)
    model = OFA(small_config(vocabulary=len(tokenizer)))
    state = {port_name(name): value for name, value in model.state_dict().items()}
    torch.save(state, workspace.folder / "served.bin")
    tokenizer.save(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "ofa"}))
    source = f"{{from: '{server.address.rpartition('/')[0]}', files: [pytorch_model.bin]}}"
    configs = overlay(
        workspace,
        "priors: {ofa-world: {weights: weights/small, released: {image_size: 128}}}\n"
        f"downloads: {{models: {{small: {source}}}}}\n",
    )
    server.content, server.limit = (workspace.folder / "served.bin").read_bytes(), 1 << 20
    server.breaks = 1
    target = "results/weights/small-128px/card.json"
    run = workspace.snakemake(target, configs=configs)
    assert run.returncode == 0, run.stdout[-3000:]
    assert server.ranges[0] is None and server.ranges[1].startswith("bytes=")
    vqa = OFAForVQA.load((workspace.folder / target).parent)
    assert torch.equal(vqa.model.encoder.pos_ln.weight, model.encoder.pos_ln.weight)
    assert (folder / "pytorch_model.bin.digest.json").exists()
