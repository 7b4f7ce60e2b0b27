"""Released weights: fetched where the network allows, and converted once to this package's layout."""

DOWNLOADS = planned_files(config["downloads"])
WEIGHTS_FOLDER = str(Path(config["downloads"]["folder"]))
RELEASED = released_priors()


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
        file="|".join(re.escape(os.path.relpath(path, WEIGHTS_FOLDER)) for path in DOWNLOADS)
        or "none",
    localrule: True
    params:
        script=script("download"),
        address=lambda wildcards, output: DOWNLOADS[output[0]],
    shell:
        "python {params.script} --address {params.address:q} --out {output:q} > {log} 2>&1"


rule convert_weights:
    input:
        script=script("convert_weights"),
        code=code("convert_weights"),
        files=lambda wildcards: vqa_layout(RELEASED[wildcards.released]).files,
    output:
        multiext(
            "results/weights/{released}/",
            "model.safetensors",
            "config.json",
            "vocab.json",
            "merges.txt",
            "card.json",
        ),
    log:
        "logs/weights/{released}.log",
    benchmark:
        "results/benchmarks/weights/{released}.tsv"
    wildcard_constraints:
        released="|".join(map(re.escape, RELEASED)) or "none",
    params:
        weights=lambda wildcards: RELEASED[wildcards.released].weights,
        settings=lambda wildcards: told(RELEASED[wildcards.released].released),
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script} --weights {params.weights:q} --settings {params.settings:q}"
        " --out {params.out} > {log} 2>&1"
