"""Released weights: fetched where the network allows, and converted once to this package's layout."""

WEIGHTS_FOLDER = str(Path(config["downloads"]["folder"]))
RELEASED = released_priors()
VQA_MODEL = [WEIGHTS, *OFA_TEXT, "card.json"]


rule download:
    """One file; what has arrived of it stays beside it and is continued the next time.

    Neither script nor code is an input: an edit must not fetch gigabytes again.
    """
    output:
        f"{WEIGHTS_FOLDER}/{{file}}",
    log:
        "logs/downloads/{file}.log",
    benchmark:
        "results/benchmarks/download/{file}.tsv"
    wildcard_constraints:
        file=one_of(os.path.relpath(path, WEIGHTS_FOLDER) for path in DOWNLOADS),
    localrule: True
    params:
        script=script("download"),
        address=lambda wildcards, output: DOWNLOADS[output[0]],
    shell:
        "python {params.script:q} --address={params.address:q} --out={output:q} > {log:q} 2>&1"


rule ready:
    """What gcdr forecast stands on: all people of a run are counted, its VQA models fetched and converted."""
    input:
        lambda wildcards: [in_data(name, "manifest.parquet") for name in counted_datasets()],
        lambda wildcards: [
            path
            for study in config["report"]["studies"]
            if PRIORS[prior_of_study(study)].KIND == "vqa"
            for path in vqa_files_of(prior_store(prior_of_study(study)))
        ],
    localrule: True


rule convert_weights:
    input:
        script=script("convert_weights"),
        files=lambda wildcards: vqa_layout(RELEASED[wildcards.released]).files,
    output:
        multiext("results/weights/{released}/", *VQA_MODEL),
    log:
        "logs/weights/{released}.log",
    benchmark:
        "results/benchmarks/weights/{released}.tsv"
    wildcard_constraints:
        released=one_of(RELEASED),
    params:
        weights=lambda wildcards: RELEASED[wildcards.released].weights,
        settings=lambda wildcards: settings_json(RELEASED[wildcards.released].released),
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --weights={params.weights:q} --settings={params.settings:q}"
        " --out={params.out:q} > {log:q} 2>&1"
