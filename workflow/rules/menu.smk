"""What jobs are called on a terminal, and what stands in the menu of targets. No rules here."""

from snakemake_logger_plugin_gcdr.wording import PURPOSES

SPLIT = "({study}, labels {share}, seed {seed})"
SAID = {
    # Data sets
    "world": "draw the world {dataset}",
    "show": "draw the clips of {dataset}",
    "frames": "take the frames of {dataset}",
    "film_heads": "find heads in the films of {dataset} and follow them",
    "find_heads": "find heads in {dataset}",
    "read": "read {dataset}",
    "manifest": "list the people of {dataset}",
    "own_manifest": "list the people of {dataset}",
    "samples": "resize the pictures of {dataset} to {size} pixels",
    "drawn_depth": "draw the depth of {dataset}",
    "estimate_depth": "estimate the depth of {dataset}",
    "deep_samples": "resize the pictures and the depth ({deep}) of {dataset} to {size} pixels",
    "detect": "find bodies in {dataset}, part {shard} of {shards}",
    "bodies": "match bodies to heads of {dataset}",
    "tokens": "ask the backbone {backbone} about {dataset}",
    "pool": "put the people of {dataset} together",
    "pool_labels": "put the labels of {dataset} together",
    "pool_bodies": "put the bodies of {dataset} together",
    "pool_samples": "put the {size}-pixel pictures of {dataset} together",
    "pool_deep_samples": "put the {size}-pixel pictures and depth ({deep}) of {dataset} together",
    "pool_priors": "put the maps {store} of {dataset} together",
    # Priors
    "gradcam": "Grad-CAM of the VQA model, {dataset}, part {shard} of {shards} ({store})",
    "pointing": "ask where people of {dataset} look, part {shard} of {shards} ({store})",
    "merge": "put the parts of {store} of {dataset} together",
    "import_prior": "import the maps {store} of {dataset}",
    # Studies
    "split": f"choose whose labels are kept {SPLIT}",
    "hidden_points": f"put aside by what the unlabelled are measured {SPLIT}",
    "originals": f"keep what crops of the labelled people are cut from {SPLIT}",
    "take_pretrained": "take the model {pretrained}",
    "train_teacher": f"train teacher {{name}} {SPLIT}",
    "train_diffusion": f"train the diffusion model {SPLIT}",
    "train_mapping": f"train teacher {{name}} {SPLIT}",
    "train_consistency": f"train {{name}} on labels and pictures {SPLIT}",
    "train_fold": f"train the diffusion model without fold {{name}}, to choose the timestep {SPLIT}",
    "choose_timestep": f"choose the timestep by held-out labels, {{sampler}} sampler {SPLIT}",
    "make_labels": f"make {{which}} maps by {{variant}} {SPLIT}",
    "train_student": f"train student {{name}} {SPLIT}",
    "train_token_student": f"train student {{name}} on tokens {SPLIT}",
    "train_online_student": f"train student {{name}}, labelled as it learns {SPLIT}",
    "evaluate": f"evaluate {{variant}} on test people {SPLIT}",
    "evaluate_labels": f"evaluate maps of {{variant}} on test people {SPLIT}",
    "evaluate_prior": f"evaluate raw maps {{prior}} on test people {SPLIT}",
    "evaluate_baselines": f"evaluate the baselines on test people {SPLIT}",
    "embed_vocabulary": "embed the names of what is looked at",
    "name_people": f"name what people look at by answers {SPLIT}",
    "name_by_detection": f"name what {{variant}} says people look at by a detector {SPLIT}",
    "evaluate_semantics": f"evaluate where and what of {{variant}} on test people {SPLIT}",
    "evaluate_two_stage": f"evaluate what the image tower sees ({{how}}) where {{variant}} looks {SPLIT}",
    "evaluate_guesses": f"evaluate a guess ({{guess}}) of what test people look at {SPLIT}",
    "figure_named": "draw what people of data sets look at, with its names",
    "figure_people": "draw what a model says of everybody in pictures",
    "table_semantic": "make the table of where and what",
    "table_gazehoi": "make the table of where and what, a row a study",
    "sweep": f"refine at every timestep and measure {SPLIT}",
    "predict_unlabelled": f"ask student {{variant}} about unlabelled people {SPLIT}",
    "label_curve": f"measure at fewer labels {SPLIT}",
    # Own pictures
    "refine_folder": "refine the maps of {study}",
    "predict_folder": "ask the student about {study}",
    "export_folder": "export predictions of {study}",
    "export_pseudo": "export pseudo-labels of {study} as {format}",
    "gallery": "make the gallery of {study}",
    # What people read
    "tables": "make the tables",
    "page": "make the report",
    "paper_table": "make {table} of the paper",
    "submission": "write what other labs can set beside theirs",
    "table_s1": "make Table S1 of the paper",
    "figure6": "draw Figure 6 of the paper",
    "step_maps": f"keep what the diffusion model says at each step {SPLIT}",
    "paper_figure": "draw {figure} of the paper",
    "overlays": "compare overlays on {dataset}",
    "label_savings": "draw AvgDist against labels",
    "label_advice": "say how many labels to add",
    # Weights
    "download": "download {file}",
    "convert_weights": "convert weights {released}",
    "world_vqa": "train the world's VQA model",
    "world_detector": "train the world's detector {detector}",
    "world_backbone": "pretrain the world's towers",
    "world_frozen": "pretrain the world's frozen backbone",
}

# A module's rules may have other names.
PURPOSES |= {workflow.modifier.modify_rulename(name): what for name, what in SAID.items()}

rules.table_gazehoi.rule.docstring = "The same of GazeHOI's names, a study a row."

for name, made in {**PAPER_TABLES, **PAPER_FIGURES}.items():
    getattr(rules, name).rule.docstring = made.title
