"""Input that passes is returned as the metrics need it."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.errors import DataError
from oddlens.metrics.validation import check_labels, check_pair, check_scores, check_videos


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float32])
def test_labels_of_any_type_become_bool(dtype):
    labels = check_labels(np.array([0, 1, 1], dtype=dtype))
    assert labels.dtype == np.bool_
    assert labels.tolist() == [False, True, True]


def test_scores_become_float64():
    assert check_scores(np.array([1, 2], dtype=np.float32)).dtype == np.float64
    assert check_scores([]).shape == (0,)
    assert np.isinf(check_scores([np.inf])).all()


def test_faults_name_their_subject():
    with pytest.raises(DataError, match="clip 3: 1 labels but 2 scores"):
        check_pair([0], [0.1, 0.2], "clip 3")
    with pytest.raises(DataError, match="video 0: the label at position 0 is 7"):
        check_videos([[0.1]], [[7]])
