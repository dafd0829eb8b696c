from typing import Any

import pytest

from lesionless.errors import UsageError
from lesionless.training.normals import NormalsSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("margin", -1), ("every", 0), ("seed", -1)),
        *(("val_fraction", -0.1), ("val_fraction", 1.0)),
        *(("beside_lesions_mm", -1.0), ("beside_lesions_mm", float("nan"))),
        *(("levels", "middle"), ("levels", "")),
    ],
)
def test_settings_out_of_their_range_are_refused(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"found.*{value}"):
        NormalsSettings(**{field: value})


def test_the_ends_of_the_ranges_are_accepted() -> None:
    NormalsSettings(margin=0, val_fraction=0.0, every=1, beside_lesions_mm=0.0, levels="paper")
