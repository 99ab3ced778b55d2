"""The official way from errors to numbers, against values of DMAD's official code."""

from __future__ import annotations

import numpy as np
import pytest

from oddlens.evaluation.protocols import PaperProtocol, apply_paper
from oddlens.methods.dmad_pdm.pipelines import paper_pipeline
from oddlens.methods.dmad_pdm.static_anomalies import fuse_changes
from oddlens.metrics.ranking import roc_auc

NAMES = ("ped2", "avenue", "avenue-static", "shanghai")


def errors(lengths, third="gradient"):
    """Errors and labels of made-up clips, as the specification has them."""
    clips, labels = [], []
    for c, n in enumerate(lengths):
        t = np.arange(n)
        bump = ((t >= 0.4 * n) & (t < 0.7 * n)).astype(float)
        clips.append(
            {
                "deformation": 1 + 0.5 * np.sin(0.3 * t + c) + 0.8 * bump,
                "reconstruction": 0.2 + 0.1 * np.cos(0.17 * t + c) + 0.15 * bump,
                third: 0.5 + 0.2 * np.sin(0.23 * t + 2 * c) + 0.3 * bump,
            }
        )
        labels.append(bump.astype(np.uint8))
    return clips, labels


def ranked(name, clips, labels, official=True):
    """Odd scores of all frames end to end, and their AUC, through the paper's protocol."""
    protocol = PaperProtocol(head=0, tail=0, normalise="none", pipeline=paper_pipeline(name, official))
    found = apply_paper(protocol, clips, labels)
    scores = np.concatenate(found.scores)
    return scores, roc_auc(np.concatenate(found.labels), scores)


def test_ped2():
    scores, auc = ranked("ped2", *errors((60, 45)))
    expected = [1.2, 0.6104440, 0.1832720, 0.7892316, 0.9632163]
    np.testing.assert_allclose(-scores[[0, 5, 30, 60, 104]], expected, atol=1e-7)
    assert auc == 1.0


def test_shanghai():
    scores, auc = ranked("shanghai", *errors((160, 120), "object"))
    expected = [1, 0.9999, 0.9263917, 0.5765527, 1.1646298, 1.1705432, 1.1704262, 0.9999861]
    np.testing.assert_allclose(-scores[[0, 1, 40, 100, 159, 160, 161, 279]], expected, atol=1e-6)
    assert auc == pytest.approx(0.95809038, abs=1e-8)


def test_shanghai_before_the_filter(monkeypatch):
    monkeypatch.setattr("oddlens.methods.dmad_pdm.pipelines.kalman_filter", lambda series: series)
    _, auc = ranked("shanghai", *errors((160, 120), "object"))
    assert auc == pytest.approx(0.95620748, abs=1e-8)


def test_avenue_before_its_post_process():
    clips, labels = errors((60, 45))
    scores, _ = ranked("avenue", clips, labels)
    first = [clips[0][name] for name in ("deformation", "reconstruction", "gradient")]
    normality = [1 - (e - e.min()) / (e.max() - e.min() + 1e-8) for e in first]
    np.testing.assert_allclose(-scores[:60], 0.2 * normality[0] + 0.4 * normality[1] + 0.6 * normality[2])


def test_avenue_after_its_post_process():
    rng = np.random.default_rng(1)
    clips = [{"patch_change": rng.random(n), "offset_change": rng.random(n)} for n in (30, 20)]
    scores, _ = ranked("avenue-static", clips, [np.zeros(30), np.ones(20)])
    expected = fuse_changes([c["patch_change"] for c in clips], [c["offset_change"] for c in clips])
    np.testing.assert_allclose(scores, np.concatenate(expected))


@pytest.mark.parametrize("name", NAMES)
def test_one_series_stands_for_every_component(name):
    rng = np.random.default_rng(2)
    series, labels = [rng.random(120), rng.random(90)], [np.zeros(120), np.ones(90)]
    alone, auc = ranked(name, series, labels)
    components = paper_pipeline(name).components
    same, same_auc = ranked(name, [dict.fromkeys(components, s) for s in series], labels)
    np.testing.assert_array_equal(alone, same)
    assert auc == same_auc


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("official", [True, False])
def test_larger_errors_are_odder(name, official):
    labels = [(np.arange(200) >= 100).astype(np.uint8)] * 2
    rng = np.random.default_rng(3)
    _, auc = ranked(name, [y + 0.1 * rng.random(200) for y in labels], labels, official)
    assert auc > 0.8


@pytest.mark.parametrize("name", ["ped2", "shanghai"])
def test_mended_smoothing_stays_inside_a_video(name):
    clips, labels = errors((160, 120), "object" if name == "shanghai" else "gradient")
    alone, _ = ranked(name, clips[:1], labels[:1], official=False)
    both, _ = ranked(name, clips, labels, official=False)
    np.testing.assert_allclose(both[:160], alone)
    assert not np.allclose(ranked(name, clips[:1], labels[:1])[0], ranked(name, clips, labels)[0][:160])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("official", [True, False])
@pytest.mark.filterwarnings("ignore:1 of 1 videos have fewer")
def test_a_single_frame_passes(name, official):
    scores, _ = ranked(name, [[0.3]], [[0]], official)
    assert np.isfinite(scores).all() and len(scores) == 1


def test_short_videos_of_shanghai_are_warned_of():
    with pytest.warns(UserWarning, match="1 of 2 videos have fewer than 69 frames"):
        ranked("shanghai", *errors((100, 60), "object"))


def test_names_say_what_was_done():
    assert paper_pipeline("ped2").name == "dmad-pdm ped2"
    assert "inside each video" in paper_pipeline("ped2", official=False).name
    assert paper_pipeline("shanghai").components[2] == "object"
