"""What a run says when it has ended well. No rules here."""

from gcdr.report.closing import closing_lines


def asked_files():
    """Paths of what was asked for: files by name, and those of targets."""
    paths = [str(path) for path in workflow.dag.targetfiles]
    for rule in sorted(workflow.dag.targetrules, key=lambda rule: rule.name):
        paths += [str(path) for path in rule.output or rule.input if not callable(path)]
    return paths


def suggestion_lines():
    """How the list is made whose files a run was asked for; nothing where it was not."""
    name = workflow.modifier.modify_rulename("suggestions")
    if name not in {rule.name for rule in workflow.dag.targetrules}:
        return []
    studies = labelling_studies()
    return [
        f"Whom to label next: gcdr suggest 50 {split_of(study)} --out next-{study}.csv"
        for study in studies
    ]


def show_results():
    """Print the tables or advice that were asked for, and say where the pages are."""
    for text in [*closing_lines(asked_files()), *suggestion_lines()]:
        print(text)
