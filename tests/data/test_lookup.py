"""Looking people up: an unknown id is an error, never its neighbour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.lookup import places

IDS = st.sets(st.integers(0, 60), max_size=20)


@given(IDS, st.lists(st.integers(-3, 70), max_size=12))
def test_everybody_is_found_or_somebody_is_named(known: set[int], wanted: list[int]) -> None:
    table, asked = np.array(sorted(known), np.int64), np.array(wanted, np.int64)
    strangers = [one for one in wanted if one not in known]
    if strangers:
        said = rf"^the table: sample_id {strangers[0]} is not in it$"
        with pytest.raises(InputError, match=said):
            places(table, asked, "the table")
    else:
        assert table[places(table, asked, "the table")].tolist() == wanted


@given(IDS.filter(bool), st.data())
def test_order_and_repetition_are_those_of_the_question(
    known: set[int], data: st.DataObject
) -> None:
    table = np.array(sorted(known), np.int64)
    wanted = data.draw(st.lists(st.sampled_from(sorted(known)), max_size=12))
    assert places(table, wanted, "t").tolist() == [sorted(known).index(one) for one in wanted]


def test_an_empty_table_knows_nobody() -> None:
    nobody = np.zeros(0, np.int64)
    assert len(places(nobody, nobody, "t")) == 0
    with pytest.raises(InputError, match="sample_id 0 is not in it"):
        places(nobody, np.array([0]), "t")
