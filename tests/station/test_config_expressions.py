import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.config.expressions import LONGEST, ExpressionError, parse


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("3.4", {}, 3.4),
        ("2.4e-4", {}, 2.4e-4),
        ("-2.2", {}, -2.2),
        ("lane", {"lane": 3}, 3.0),
        ("tdecq - 2.2", {"tdecq": 1.5}, -0.7),
        ("max(-3.9, tx_tdecq - 5.3)", {"tx_tdecq": 0.9}, -3.9),
        ("max(-3.9, tx_tdecq - 5.3)", {"tx_tdecq": 3.4}, -1.9),
        ("min(a, b, 1) * 2 / 4", {"a": 3, "b": 2}, 0.5),
        ("abs(-(a + +b))", {"a": 1, "b": 1}, 2.0),
    ],
)
def test_expression_has_its_value(text, values, expected):
    assert parse(text).evaluate(values) == pytest.approx(expected)


def test_names_are_what_the_expression_depends_on():
    assert parse("max(-3.9, tx_tdecq - lane)").names == {"tx_tdecq", "lane"}
    assert parse("max(1, 2)").names == frozenset()


def test_numbers_are_expressions_too():
    assert parse(2.4e-4).constant == 2.4e-4
    assert parse(4).constant == 4.0
    assert parse("tdecq - 1").constant is None


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("", "empty", 0),
        ("1 +", "not an expression", 0),
        ("a b", "not an expression", 3),
        ("a.b", "Attribute is not allowed", 1),
        ("1 + a.real", "Attribute is not allowed", 5),
        ("a ** 2", "Pow is not allowed", 1),
        ("a // 2", "FloorDiv is not allowed", 1),
        ("1 if a else b", "IfExp is not allowed", 1),
        ("a and b", "And is not allowed", 1),
        ("lambda", "not an expression", 0),
        ("True", "True is not a number", 1),
        ("(1, 2)", "Tuple is not allowed", 1),
        ("open(a)", r"only max\(\), min\(\) and abs\(\)", 1),
        ("a(1)", r"only max\(\), min\(\) and abs\(\)", 1),
        ("max(1)(2)", r"only max\(\), min\(\) and abs\(\)", 1),
        ("max(1)", "two arguments or more", 1),
        ("abs(1, 2)", "one argument", 1),
        ("max(*a, b)", "Starred is not allowed", 5),
        ("max", "max needs arguments", 1),
        ("a[0]", "'\\[' has no place", 2),
        ("'a'", "no place", 1),
        ("1j", "runs into a word", 2),
        ("0or a", "runs into a word", 2),
        ("a := 1", "no place", 3),
        ("1e999", "Constant is not allowed", 1),
        ("x" * (LONGEST + 1), "at most", 0),
    ],
)
def test_anything_but_arithmetic_is_refused_with_its_place(text, words, column):
    with pytest.raises(ExpressionError, match=words) as caught:
        parse(text)
    assert caught.value.column == column


def test_division_by_zero_is_no_limit():
    with pytest.raises(ExpressionError, match="no value"):
        parse("1 / 0")
    with pytest.raises(ExpressionError, match="no value"):
        parse("1 / (a - a)").evaluate({"a": 2.0})


def test_a_missing_measurement_is_named():
    with pytest.raises(ExpressionError, match="tx_tdecq has no value here"):
        parse("tx_tdecq - 2.2").evaluate({"lane": 1})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_limit_is_never_infinite_or_nan(value):
    with pytest.raises(ExpressionError, match="no finite value"):
        parse("a + 1").evaluate({"a": value})


@given(st.text(alphabet="abmaxin(),.+-*/ 0123456789eE_[]'\\\n:=", max_size=60))
def test_no_text_does_anything_but_parse_or_raise(text):
    try:
        expression = parse(text)
        expression.evaluate(dict.fromkeys(expression.names, 1.0))
    except ExpressionError:
        pass


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_keeps_its_value(number):
    assert parse(number).constant == number
