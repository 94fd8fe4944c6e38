"""Value is what the records of easycert are made of: frozen, compared by its fields, cheap to define."""

from __future__ import annotations

import pytest

from easycert.model import Value


class Point(Value):
    """Two fields, one with a default."""

    x: int
    y: int = 2


class Other(Value):
    x: int
    y: int = 2


def test_fields_are_given_by_position_or_name() -> None:
    assert Point(1, 3) == Point(x=1, y=3)


def test_a_default_is_a_field_like_any_other() -> None:
    assert (Point(1).y, Point(1) == Point(1, 2)) == (2, True)


@pytest.mark.parametrize("values, named", [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_a_missing_unknown_or_double_field_is_refused(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point has the fields x, y"):
        Point(*values, **named)


def test_a_value_does_not_change() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del point.x


def test_a_copy_has_other_values() -> None:
    assert Point(1)._replace(y=5) == Point(1, 5)


def test_a_copy_has_no_other_fields() -> None:
    with pytest.raises(TypeError):
        Point(1)._replace(z=5)


def test_values_of_two_types_differ() -> None:
    assert Point(1) != Other(1)


def test_equal_values_have_one_hash() -> None:
    assert len({Point(1), Point(1, 2), Point(2)}) == 2


def test_a_value_reads_as_it_is_written() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2)"


class Place(Point):
    name: str = "here"


def test_a_value_has_the_fields_of_the_class_above_first() -> None:
    assert (Place._fields, vars(Place(1, name="there"))) == (("x", "y", "name"), {"x": 1, "y": 2, "name": "there"})
    assert Point._fields == ("x", "y")
