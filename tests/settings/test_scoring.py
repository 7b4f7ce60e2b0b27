"""What metrics files say they are of."""

from gcdr.settings.reporting import NOTICES
from gcdr.settings.scoring import TITLES, title_of


def test_every_kind_of_data_has_a_title_and_a_notice() -> None:
    assert TITLES.keys() == NOTICES.keys()


def test_a_pool_names_its_test_people_and_where_labels_are_from() -> None:
    pool = {"kind": "pool", "labelled": ["a", "b"], "unlabelled": ["c"], "test": "c"}
    config = {"datasets": {"c": {"kind": "folder"}, "p": pool}}
    assert title_of(config, "c") == "own images"
    assert title_of(config, "p") == "own images c, labels of a, b"
