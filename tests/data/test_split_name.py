"""Names of label splits are read back as they were written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.split_name import CHOSEN, OWN, SplitName, parse_split_folder, split_folder

NUMBERS = st.none() | st.integers(0, 100)
SPLITS = st.builds(
    SplitName, st.integers(0, 100) | st.sampled_from([OWN, CHOSEN]), NUMBERS, NUMBERS
)


@given(SPLITS, st.integers(0, 2**32))
def test_a_name_is_read_back(split: SplitName, seed: int) -> None:
    assert SplitName.parse(str(split)) == split
    assert parse_split_folder(split_folder(split, seed)) == (split, seed)
    assert split.labels_alone.unlabelled is None and split.labels_alone.part == split.part


@pytest.mark.parametrize(
    "name", ["", "ten", "10-", "10-unlabelled", "10-unlabelled5-part2", "-part3"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InputError, match="label split: found"):
        SplitName.parse(name)
    with pytest.raises(InputError, match="label split: found"):
        parse_split_folder(f"labels{name}")
