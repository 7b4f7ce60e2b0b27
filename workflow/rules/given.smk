"""Models that a study is given (studies.NAME.given): they take the place of training them."""


rule take_given:
    input:
        script=script("take_given"),
        code=lambda wildcards: code("take_given") + kind_code(given_model(wildcards)[2]),
        model=given_files,
        backbone=given_backbone,
    output:
        multiext("results/{given}/", "model.safetensors", "model.json"),
    log:
        "logs/{given}.log",
    benchmark:
        "results/benchmarks/given/{given}.tsv"
    wildcard_constraints:
        given=given_pattern() or "none",
    params:
        name=given_name,
        source=given_source,
        settings=given_settings,
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --name={params.name:q} --source={params.source:q}"
        " --settings={params.settings:q} --out={params.out:q} > {log:q} 2>&1"


ruleorder: take_given > train_teacher > train_diffusion > train_mean_teacher > train_mapping
ruleorder: take_given > train_student > train_online_student
