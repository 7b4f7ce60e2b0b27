"""Models that a study takes ready (studies.NAME.pretrained): they take the place of training them."""


rule take_pretrained:
    input:
        script=script("take_pretrained"),
        model=pretrained_files,
        backbone=pretrained_backbone,
    output:
        multiext("results/{pretrained}/", "model.safetensors", "model.json"),
    log:
        "logs/{pretrained}.log",
    benchmark:
        "results/benchmarks/pretrained/{pretrained}.tsv"
    wildcard_constraints:
        pretrained=pretrained_pattern() or "none",
    params:
        name=pretrained_name,
        source=pretrained_source,
        settings=pretrained_settings,
        out=subpath(output[0], parent=True),
    shell:
        "python {input.script:q} --name={params.name:q} --source={params.source:q}"
        " --settings={params.settings:q} --out={params.out:q} > {log:q} 2>&1"


ruleorder: take_pretrained > train_teacher > train_diffusion > train_consistency > train_mapping
ruleorder: take_pretrained > train_student > train_online_student > train_token_student
