from lesionless.training.differences import differences, told


def test_fields_of_both_are_compared_and_the_others_passed_over() -> None:
    asked = {"same": 1, "new": 2, "a": {"b": 3, "c": {"d": 4, "e": 5}}}
    found = {"same": 1, "old": 2, "a": {"b": 3.0, "c": {"d": 6, "f": 7}}}
    assert differences(asked, found) == {"a.c.d": (4, 6)}


def test_what_came_back_from_json_equals_what_was_written() -> None:
    assert not differences({"widths": (4, 8), "mm": 15}, {"widths": [4, 8], "mm": 15.0})
    assert differences({"widths": (4, 8)}, {"widths": [4]}) == {"widths": ((4, 8), [4])}


def test_nothing_is_a_value() -> None:
    assert differences({"start": "m"}, {"start": None}) == {"start": ("m", None)}


def test_the_first_differences_are_told() -> None:
    many = dict.fromkeys("abcde", (1, 2))
    assert told(many) == "a = 1, b = 1, c = 1, found one with 2, 2, 2 (2 more differ)"
