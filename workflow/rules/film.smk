"""Own films: their frames as pictures, and the heads in them."""


rule frames:
    """The wanted frames of every film, decoded once."""
    input:
        script=script("frames"),
        films=films_of,
    output:
        images=directory(f"{DATA}/frames"),
        table=f"{DATA}/frames.parquet",
        notes=f"{DATA}/frames.txt",
    log:
        "logs/{dataset}/frames.log",
    benchmark:
        "results/benchmarks/frames/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("video"),
    priority: 100  # a film that cannot be read ends the run before dear stages begin
    params:
        names=film_digest,
        root=lambda wildcards: config["datasets"][wildcards.dataset]["root"],
        settings=lambda wildcards: settings_json(preparing.film_settings(config, wildcards.dataset)),
    shell:
        "python {input.script:q} --root={params.root:q} --settings={params.settings:q}"
        " --images={output.images:q} --table={output.table:q} --notes={output.notes:q} > {log:q} 2>&1"


rule film_heads:
    """Heads of films that come without a table, linked to tracks."""
    input:
        script=script("film_heads"),
        weights=detector_files("heads"),
        frames=f"{DATA}/frames.parquet",
    output:
        f"{DATA}/heads.csv",
    log:
        "logs/{dataset}/film_heads.log",
    benchmark:
        "results/benchmarks/film_heads/{dataset}.tsv"
    wildcard_constraints:
        dataset=names_of("video"),
    params:
        options=looking_options,
        settings=settings_json(preparing.heads_settings(config)),
    shell:
        "python {input.script:q} {params.options:q} --frames={input.frames:q}"
        " --settings={params.settings:q} --out={output:q} > {log:q} 2>&1"
