"""How rows were trained: beside the results, for every row, seeds listed."""

from lesionless.report.table_formats import Table
from lesionless.report.training_table import TrainingRecord, training_table, with_training

RECORDS = [
    TrainingRecord("sAE3", 0, 30, 1660, 1.25, 1_376_033),
    TrainingRecord("sAE3", 1, 30, 1660, 1.5, 1_376_033),
    TrainingRecord("intensity", None, 0, 1660, 0.0, 0),
]


def test_a_record_is_a_row():
    table = training_table(RECORDS)
    assert table.columns == ("Method", "Epochs", "Slices", "Seed", "Hours", "Parameters")
    assert table.rows[1] == ("sAE3", "30", "1,660", "1", "1.5", "1,376,033")
    assert table.rows[2] == ("intensity", "0", "1,660", "-", "0", "0")


def test_the_training_stands_beside_each_method_and_nothing_beside_others():
    table = Table("t", ("Method", "Dice"), (("sAE3", "0.5"), ("intensity", "0.4"), ("dAE", "-")))
    found = with_training(table, RECORDS)
    assert found.columns == ("Method", "Dice", "Epochs", "Slices", "Seed", "Hours")
    assert found.rows == (
        ("sAE3", "0.5", "30", "1,660", "0, 1", "1.25, 1.5"),
        ("intensity", "0.4", "0", "1,660", "-", "0"),
        ("dAE", "-", "-", "-", "-", "-"),
    )
