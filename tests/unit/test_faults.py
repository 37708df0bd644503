"""A fault names the row that shows it, and a word that the schema has for that row."""

import pytest

from vtep_ofapp.values.faults import Fault, FaultRow, FaultTable, FaultWord, of_port, of_switch

from .builders import uuid


def test_a_word_that_the_column_does_not_have_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="port_fault_status has no tunnel_exhaustion"):
        of_port(uuid(1), FaultWord.TUNNEL_EXHAUSTION)


@pytest.mark.parametrize("table", FaultTable, ids=lambda table: table.value)
def test_every_row_may_show_what_no_other_word_is_for(table: FaultTable) -> None:
    entry = FaultRow(table, uuid(1)).shows(FaultWord.UNSPECIFIED)
    assert (entry.row.table, entry.word.value) == (table, "unspecified_fault")


def test_every_word_is_in_a_column() -> None:
    assert frozenset().union(*(table.words for table in FaultTable)) == set(FaultWord)


def test_a_fault_reads_as_a_line() -> None:
    assert str(Fault("Port p0", "it is lost", of_switch(uuid(1)))) == "Port p0: it is lost"
