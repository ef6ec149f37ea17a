"""Rows survive, come back typed and in order, and are found by the beginning of their key."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.kernel.store import Store, StoreDefect


@dataclass
class Pet:
    name: str
    tags: dict[str, list[int]] = field(default_factory=dict)


def test_rows_come_back_after_a_restart(tmp_path: Path) -> None:
    """What was put and committed is there, typed, for the next process."""
    store = Store(tmp_path / "db")
    store.table("pet", Pet).put(Pet("Rex", {"a": [1]}), "111", "eu", "rex")
    store.table("pet", Pet).put(Pet("Ada"), "111", "eu", "ada")
    store.close()
    again = Store(tmp_path / "db").table("pet", Pet)
    assert again.values("111", "eu") == [Pet("Rex", {"a": [1]}), Pet("Ada")]


def test_what_was_not_committed_is_not_kept(tmp_path: Path) -> None:
    """A turn that did not end left nothing behind."""
    store = Store(tmp_path / "db")
    store.table("pet", Pet).put(Pet("Rex"), "rex")
    assert Store(tmp_path / "db").table("pet", Pet).values() == []


def test_deleted_rows_stay_deleted(tmp_path: Path) -> None:
    """Deleting reaches the file too; deleting nothing is no error."""
    store = Store(tmp_path / "db")
    table = store.table("pet", Pet)
    table.put(Pet("Rex"), "rex")
    store.commit()
    table.delete("rex")
    table.delete("nobody")
    store.close()
    assert Store(tmp_path / "db").table("pet", Pet).values() == []


def test_a_row_that_left_and_came_back_is_last(tmp_path: Path) -> None:
    """Rows have one order, in memory and in the file, also when a row is deleted and put again before a commit."""
    store = Store(tmp_path / "db")
    table = store.table("pet", Pet)
    table.put(Pet("Rex"), "rex")
    table.put(Pet("Ada"), "ada")
    store.commit()
    table.delete("rex")
    table.put(Pet("Rex the second"), "rex")
    store.close()
    assert Store(tmp_path / "db").table("pet", Pet).values() == table.values() == [Pet("Ada"), Pet("Rex the second")]


def test_one_table_has_one_type() -> None:
    """Asking for a table with another type is a defect, said at once."""
    store = Store()
    store.table("pet", Pet)
    with pytest.raises(TypeError, match="table pet holds Pet, not int"):
        store.table("pet", int)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers()), max_size=30))
def test_prefixes_find_exactly_the_keys_that_begin_so(rows: list[tuple[str, str, int]]) -> None:
    """`values(prefix)` equals a scan of a plain dictionary."""
    table = Store().table("number", int)
    plain: dict[tuple[str, str], int] = {}
    for first, second, number in rows:
        table.put(number, first, second)
        plain[first, second] = number
    for first in "ab":
        assert sorted(table.values(first)) == sorted(v for k, v in plain.items() if k[0] == first)
    assert sorted(table.values()) == sorted(plain.values())


def test_a_row_that_cannot_be_written_keeps_no_other_from_the_file(tmp_path: Path) -> None:
    """Half of a surrogate pair has no UTF-8: that row is named once, everything else is kept, and the next commit works."""
    store = Store(tmp_path / "db")
    pets = store.table("pet", Pet)
    pets.put(Pet("Rex"), "rex")
    pets.put(Pet("\ud800"), "broken")
    pets.put(Pet("Odd"), "\udfff")
    with pytest.raises(StoreDefect, match=r"pet \('broken',\) was not written.*pet \('.udfff',\) was not written"):
        store.commit()
    pets.delete("\udfff")
    pets.put(Pet("Ada"), "ada")
    with pytest.raises(StoreDefect):
        store.commit()
    store.close()
    assert [pet.name for pet in Store(tmp_path / "db").table("pet", Pet).values()] == ["Rex", "Ada"]


@pytest.mark.parametrize("key", ["rex", 1, None])
def test_only_a_tuple_is_looked_for(key: Any) -> None:
    """A plain string is in no table, so asking for one is a mistake of whoever asks: it is told, not answered."""
    table = Store().table("pet", Pet)
    table.put(Pet("Rex"), "rex")
    assert ("rex",) in table
    with pytest.raises(TypeError, match="a key of table pet is a tuple of strings"):
        assert key in table
