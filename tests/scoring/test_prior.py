"""What the place says about a score."""

import numpy as np

from lesionless.scoring.prior import favour_white_matter


def test_white_matter_keeps_its_score_and_the_rest_a_share_of_it():
    score = np.array([[[2.0, 2.0, -2.0, 0.0]]])
    white_matter = np.array([[[1.0, 0.5, 0.0, 0.0]]])
    found = favour_white_matter(score, white_matter, elsewhere=0.5)
    np.testing.assert_allclose(found, [[[2.0, 1.5, -1.0, 0.0]]])
    np.testing.assert_array_equal(favour_white_matter(score, white_matter, elsewhere=1), score)
