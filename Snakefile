"""GCDR from pictures to a report. Stages are in workflow/rules, paths in workflow/rules/common.smk."""

from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=False))
if not (HERE / "workflow").is_dir():  # includes are looked for beside a link, not where it leads
    raise WorkflowError(
        f"{HERE}: found GCDR's Snakefile, and no folder workflow beside it; expected the path of the file in its "
        "clone, and no link to it alone"
    )


include: "workflow/rules/start.smk"


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/checked.smk"
include: "workflow/rules/exchanged.smk"
include: "workflow/rules/enough.smk"
include: "workflow/rules/stopped.smk"
include: "workflow/rules/repeats.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/asked.smk"
include: "workflow/rules/stages.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/model_files.smk"
include: "workflow/rules/settings.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/curves.smk"
include: "workflow/rules/naming.smk"
include: "workflow/rules/shows.smk"
include: "workflow/rules/ended.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/film.smk"
include: "workflow/rules/tokens.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/prior.smk"
include: "workflow/rules/import.smk"
include: "workflow/rules/pool.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/choice.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/pretrained.smk"
include: "workflow/rules/refine.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/semantics.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/semantic_figures.smk"
include: "workflow/rules/folder.smk"
include: "workflow/rules/suggest.smk"
include: "workflow/rules/curve.smk"
include: "workflow/rules/world_weights.smk"
include: "workflow/rules/menu.smk"
include: "workflow/rules/marks.smk"
include: "workflow/rules/calls.smk"
include: "workflow/rules/resources.smk"


rule all:
    """What the configuration asks for: the report, and the galleries."""
    input:
        default_targets(),
    localrule: True


onstart:
    end_jobs_on_term()


onsuccess:
    show_results()
