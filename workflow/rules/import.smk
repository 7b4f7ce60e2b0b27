"""Priors that others computed: the paper authors' pickles, in place of asking a model."""

import re

IMPORTED = config["prior"]["imported"]

if IMPORTED:

    ruleorder: import_prior > merge

    rule import_prior:
        input:
            script=script("import_prior"),
            code=code("import_prior"),
            manifest=f"{DATA}/manifest.parquet",
            pickles=lambda wildcards: IMPORTED[wildcards.dataset]["pickles"],
            annotations=lambda wildcards: IMPORTED[wildcards.dataset]["annotations"],
        output:
            f"{PRIOR}.h5",
        log:
            "logs/{dataset}/{prior}/import.log",
        benchmark:
            "results/benchmarks/import/{dataset}-{prior}.tsv"
        wildcard_constraints:
            dataset="|".join(map(re.escape, IMPORTED)),
            prior=re.escape(prior_name()),
        params:
            layers=as_json(config["prior"]["layers"]),
        shell:
            "python {input.script} --manifest {input.manifest} --pickles {input.pickles:q}"
            " --annotations {input.annotations:q} --layers {params.layers:q} --out {output}"
            " > {log} 2>&1"
