"""What is looked at: names in the space of a text tower, of people by answers, and against the test people."""

SPACE = f"results/text/{vocabulary_name()}/embeddings.safetensors"


rule embed_vocabulary:
    """Embed the names of the vocabulary, once."""
    input:
        script=script("embed_vocabulary"),
        tower=tower_files(),
        vocabulary=vocabulary_file(),
    output:
        multiext(
            f"results/text/{vocabulary_name()}/", space="embeddings.safetensors", card="card.json"
        ),
    log:
        f"logs/text/{vocabulary_name()}.log",
    params:
        options=lambda wildcards, input: options(vocabulary=input.vocabulary),
        tower=lambda wildcards, input: os.path.dirname(input.tower[0]),
    shell:
        "python {input.script:q} {params.options:q} --tower={params.tower:q} --out={output.space:q} > {log:q} 2>&1"


rule name_people:
    """Name what people look at by the nouns of the VQA model's answers."""
    input:
        script=script("name_people"),
        tower=tower_files(),
        space=SPACE,
        prior=lambda wildcards: prior_file(wildcards.study, wildcards.store),
        manifest=data("manifest.parquet"),
        labels=LABELS,
    output:
        multiext(f"{STUDY}/names/{{store}}", table=".parquet", accuracy=".json"),
    log:
        "logs/{study}/labels{share}-seed{seed}/names/{store}.log",
    params:
        tower=lambda wildcards, input: os.path.dirname(input.tower[0]),
    shell:
        "python {input.script:q} --prior={input.prior:q} --manifest={input.manifest:q} --labels={input.labels:q}"
        " --tower={params.tower:q} --space={input.space:q} --out={output.table:q} > {log:q} 2>&1"


rule name_by_detection:
    """Name what people look at by what a detector finds under the points of their pseudo-labels."""
    input:
        script=script("name_by_detection"),
        detector=region_detector,
        tower=tower_files(),
        space=SPACE,
        pseudo=f"{STUDY}/pseudo/{{variant}}.h5",
        manifest=data("manifest.parquet"),
        labels=LABELS,
    output:
        multiext(f"{STUDY}/names/detected-{{variant}}", table=".parquet", accuracy=".json"),
    log:
        "logs/{study}/labels{share}-seed{seed}/names/detected-{variant}.log",
    params:
        images=images_of_study,
        detector=lambda wildcards, input: os.path.dirname(input.detector[0]),
        tower=lambda wildcards, input: os.path.dirname(input.tower[0]),
        device=config["device"],
    shell:
        "python {input.script:q} --pseudo={input.pseudo:q} --manifest={input.manifest:q} --images={params.images:q}"
        " --labels={input.labels:q} --space={input.space:q} --detector={params.detector:q}"
        " --tower={params.tower:q} --device={params.device:q} --out={output.table:q} > {log:q} 2>&1"


rule evaluate_semantics:
    """Score where and what of the test people."""
    input:
        **TESTED | {"samples": shown_to(asked_gaze)},
        script=script("evaluate_semantics"),
        annotated=data("annotated.parquet"),
        space=SPACE,
        model=model_of,
    output:
        f"{STUDY}/semantics/{{variant}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/semantics/{variant}.log",
    params:
        options=input_options("model"),
        about=about_model,
        device=config["device"],
    shell:
        "python {input.script:q} {params.options:q} --samples={input.samples:q} --manifest={input.manifest:q}"
        " --annotated={input.annotated:q} --annotations={input.annotations:q} --space={input.space:q}"
        " --about={params.about:q} --device={params.device:q} --out={output:q} > {log:q} 2>&1"


rule evaluate_two_stage:
    """Score names that an image tower gives what is left of pictures where a gaze model's maps are high."""
    input:
        **TESTED,
        script=script("evaluate_two_stage"),
        maps=f"{STUDY}/metrics/{{variant}}.h5",
        annotated=data("annotated.parquet"),
        space=SPACE,
        tower=image_tower_files(),
        labels=LABELS,
    output:
        f"{STUDY}/semantics/{{how}}-{{variant}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/semantics/{how}-{variant}.log",
    wildcard_constraints:
        how="(tuned-)?(mask|blur|crop)",
    params:
        options=second_stage_options,
        about=about_model,
        device=config["device"],
    shell:
        "python {input.script:q} {params.options:q} --maps={input.maps:q} --samples={input.samples:q}"
        " --manifest={input.manifest:q} --annotated={input.annotated:q} --annotations={input.annotations:q}"
        " --labels={input.labels:q} --space={input.space:q} --about={params.about:q} --device={params.device:q}"
        " --out={output:q} > {log:q} 2>&1"


rule evaluate_guesses:
    """Score names that no gaze model says: random ones, the most frequent one, the VQA model's answers."""
    input:
        **TESTED,
        script=script("evaluate_guesses"),
        annotated=data("annotated.parquet"),
        labels=LABELS,
        space=SPACE,
        named=guessed_names,
    output:
        f"{STUDY}/semantics/{{guess}}.json",
    log:
        "logs/{study}/labels{share}-seed{seed}/semantics/{guess}.log",
    wildcard_constraints:
        guess="|".join(GUESSES),
    params:
        options=input_options("named"),
        about=about_guess,
    shell:
        "python {input.script:q} {params.options:q} --samples={input.samples:q} --manifest={input.manifest:q}"
        " --annotated={input.annotated:q} --annotations={input.annotations:q} --labels={input.labels:q}"
        " --space={input.space:q} --guess={wildcards.guess:q} --about={params.about:q} --out={output:q} > {log:q} 2>&1"


rule table_semantic:
    """Where and what, of the report's methods whose gaze model also says what is looked at."""
    input:
        script=script("table_semantic"),
        files=lambda wildcards: files_of(rows_by_method()),
    output:
        multiext(f"{REPORT}/tables/paper/table_semantic", csv=".csv", page=".md"),
    log:
        f"logs/{config['report']['name']}/table_semantic.log",
    localrule: True
    params:
        options=lambda wildcards: row_options(rows_by_method()),
    shell:
        "python {input.script:q} {params.options:q} --csv={output.csv:q} --page={output.page:q} > {log:q} 2>&1"


use rule table_semantic as table_gazehoi with:
    input:
        script=script("table_semantic"),
        files=lambda wildcards: files_of(rows_by_study()),
    output:
        multiext(f"{REPORT}/tables/paper/table_gazehoi", csv=".csv", page=".md"),
    log:
        f"logs/{config['report']['name']}/table_gazehoi.log",
    params:
        options=lambda wildcards: row_options(rows_by_study()),
