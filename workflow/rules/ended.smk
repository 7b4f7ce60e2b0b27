"""What a run says when it has ended well. No rules here."""

from gcdr.report.closing import closing_lines, suggestion_line


def asked_files():
    """Paths of what was asked for: files by name, and those of targets."""
    paths = [str(path) for path in workflow.dag.targetfiles]
    for asked in sorted(workflow.dag.targetrules, key=lambda asked: asked.name):
        paths += [str(path) for path in asked.output or asked.input if not callable(path)]
    return paths


def suggestion_lines():
    """How the list is made whose files a run was asked for; nothing where it was not."""
    name = workflow.modifier.modify_rulename("suggestions")
    if name not in {asked.name for asked in workflow.dag.targetrules}:
        return []
    return [suggestion_line(study, split_of(study)) for study in labelling_studies()]


def show_results():
    """Print the tables or advice that were asked for, and say where the pages are."""
    for text in [*closing_lines(asked_files()), *suggestion_lines()]:
        print(text)
