"""Priors that others computed, a file for each data set, in place of asking a model."""


rule import_prior:
    """The paper authors' pickles of Grad-CAM maps."""
    input:
        **stage("import_prior"),
        manifest=f"{DATA}/manifest.parquet",
        pickles=lambda wildcards: source_for(wildcards).pickles,
        annotations=lambda wildcards: source_for(wildcards).annotations,
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/import.log",
    benchmark:
        "results/benchmarks/import/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=datasets_with("pickles"),
        store=stores_of("pickles"),
    params:
        layers=lambda wildcards: as_json(of_store(wildcards).layers),
        files=input_options("pickles", "annotations"),
    shell:
        "python {input.script:q} --manifest={input.manifest:q} {params.files:q}"
        " --layers={params.layers:q} --out={output:q} > {log:q} 2>&1"


rule import_points:
    """Points or boxes of another source."""
    input:
        **stage("import_points"),
        manifest=f"{DATA}/manifest.parquet",
        table=source_for,
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/import.log",
    benchmark:
        "results/benchmarks/import/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=datasets_with("points", "boxes"),
        store=stores_of("points", "boxes"),
    params:
        settings=lambda wildcards: settings_json(of_store(wildcards).settings()),
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --table={input.table:q}"
        " --settings={params.settings:q} --out={output:q} > {log:q} 2>&1"


rule import_maps:
    """Heatmaps of another model."""
    input:
        **stage("import_maps"),
        manifest=f"{DATA}/manifest.parquet",
        store=source_for,
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/import.log",
    benchmark:
        "results/benchmarks/import/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=datasets_with("maps"),
        store=stores_of("maps"),
    params:
        complete=lambda wildcards: as_json(of_store(wildcards).complete),
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --store={input.store:q}"
        " --complete={params.complete:q} --out={output:q} > {log:q} 2>&1"
