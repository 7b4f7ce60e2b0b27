"""Priors that others computed, files for each data set, in place of asking a model."""


rule import_prior:
    """By whatever kind of prior it is: its module reads the files and fills the store."""
    input:
        script=script("import_prior"),
        manifest=f"{DATA}/manifest.parquet",
        files=source_files,
    output:
        f"{PRIOR}.h5",
    log:
        "logs/{dataset}/{store}/import.log",
    benchmark:
        "results/benchmarks/import/{dataset}-{store}.tsv"
    wildcard_constraints:
        dataset=datasets_with_files(),
        store=stores_of(*IMPORTED),
    priority: 50  # people whom a prior lacks end the run before anything is trained
    params:
        prior=source_settings,
    shell:
        "python {input.script:q} --manifest={input.manifest:q} --prior={params.prior:q}"
        " --dataset={wildcards.dataset:q} --out={output:q} > {log:q} 2>&1"
