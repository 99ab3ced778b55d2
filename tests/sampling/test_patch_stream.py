"""The stream of patches: the same patches however the frames are fed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oddlens.errors import DataError
from oddlens.sampling.patch_stream import PatchStream
from oddlens.sampling.patches import FramePatches, PatchSpec


class Differences:
    """A made-up flow: the difference of two frames."""

    def many(self, firsts: Sequence[np.ndarray], seconds: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.repeat(b.astype(np.float32) - a, 2, axis=2) for a, b in zip(firsts, seconds)]


class FlowBoxes:
    """One box, whose left edge is the middle flow of the frame."""

    needs_flow = True

    def find_many(self, images, flows, video, indices) -> list[np.ndarray]:
        return [np.array([[flow[0, 0, 0], 2, 20, 20]], np.float32) for flow in flows]


class StillBoxes:
    needs_flow = False

    def find_many(self, images, flows, video, indices) -> list[np.ndarray]:
        assert flows is None
        return [np.array([[1, 2, 9, 9]] * (index % 3), np.float32).reshape(-1, 4) for index in indices]


def frames_of(count: int) -> list[np.ndarray]:
    """Grey frames with values that tell them apart; differences 1, 2, 3 ..."""
    return [np.full((24, 32, 1), k * (k + 1) // 2, np.uint8) for k in range(count)]


def fed(stream: PatchStream, frames: list[np.ndarray], chunk: int) -> list[FramePatches]:
    done: list[FramePatches] = []
    for start in range(0, len(frames), chunk):
        done += stream.push(frames[start : start + chunk])
    return done + stream.finish()


@given(st.integers(1, 14), st.integers(1, 16), st.booleans(), st.integers(0, 3))
def test_every_frame_comes_once_and_alike_for_every_chunk(count: int, chunk: int, flow: bool, context: int) -> None:
    spec = PatchSpec(flow=flow, context=context, side=8, units="native")
    one = fed(PatchStream(spec, Differences(), FlowBoxes()), frames_of(count), 1)
    many = fed(PatchStream(spec, Differences(), FlowBoxes()), frames_of(count), chunk)
    assert [frame.index for frame in many] == list(range(count))
    for a, b in zip(one, many):
        assert np.array_equal(a.boxes, b.boxes)
        assert np.array_equal(a.raw, b.raw)
        assert (a.flow is None) == (b.flow is None) == (not flow)
        assert not flow or np.array_equal(a.flow, b.flow)


@pytest.mark.parametrize(("flow", "waits"), [(False, 2), (True, 3)])
def test_a_frame_waits_for_its_latency_and_no_longer(flow: bool, waits: int) -> None:
    spec = PatchSpec(flow=flow, side=8)
    assert spec.latency == waits
    stream = PatchStream(spec, Differences(), FlowBoxes())
    for number, frame in enumerate(frames_of(10)):
        ready = stream.push([frame])
        assert [item.index for item in ready] == ([number - waits] if number >= waits else [])


def test_context_and_flow_repeat_at_the_borders() -> None:
    spec = PatchSpec(flow=True, side=8, units="native")
    frames = fed(PatchStream(spec, Differences(), FlowBoxes()), frames_of(6), 4)
    assert frames[0].raw[0, 0, 0].tolist() == [0, 0, 0, 1, 3]
    assert frames[5].raw[0, 0, 0].tolist() == [6, 10, 15, 15, 15]
    assert frames[0].flow[0, 0, 0, ::2].tolist() == [1, 1, 1, 2, 3]  # the first flow is that to the second frame
    assert frames[5].flow[0, 0, 0, ::2].tolist() == [4, 5, 5, 5, 5]  # the last frame has no successor


def test_official_first_flow_is_zero() -> None:
    spec = PatchSpec(flow=True, side=8, units="native", first_flow="zero")
    frames = fed(PatchStream(spec, Differences(), FlowBoxes()), frames_of(4), 2)
    assert frames[0].flow[0, 0, 0, ::2].tolist() == [0, 0, 0, 2, 3]
    assert frames[0].boxes[0, 0] == 0
    assert frames[1].boxes[0, 0] == 2


def test_without_flow_none_is_estimated() -> None:
    class Unused:
        def many(self, firsts, seconds):
            raise AssertionError

    frames = fed(PatchStream(PatchSpec(side=8), Unused(), StillBoxes()), frames_of(5), 3)
    assert [len(frame.boxes) for frame in frames] == [0, 1, 2, 0, 1]


def test_a_second_video_starts_afresh() -> None:
    stream = PatchStream(PatchSpec(side=8), Differences(), StillBoxes())
    first = fed(stream, frames_of(5), 2)
    second = fed(stream, frames_of(5), 2)
    assert all(np.array_equal(a.raw, b.raw) for a, b in zip(first, second))


def test_frames_of_another_size_are_refused() -> None:
    stream = PatchStream(PatchSpec(side=8), Differences(), StillBoxes())
    stream.push(frames_of(2))
    with pytest.raises(DataError, match=r"day.mp4: frame 2 is 40x24 in grey, those before are 32x24 in grey"):
        stream.push([np.zeros((24, 40, 1), np.uint8)], "day.mp4")


def test_colour_after_grey_is_refused() -> None:
    stream = PatchStream(PatchSpec(side=8), Differences(), StillBoxes())
    stream.push(frames_of(2))
    with pytest.raises(DataError, match=r"footage: frame 2 is 32x24 in colour, those before are 32x24 in grey"):
        stream.push([np.zeros((24, 32, 3), np.uint8)])


@pytest.mark.parametrize("chunk", [1, 2, 9])
@pytest.mark.parametrize("first_flow", ["next", "zero"])
def test_last_frame_has_the_flow_before_it_without_context_and_in_two_frames(first_flow: str, chunk: int) -> None:
    alone = PatchSpec(flow=True, context=0, side=8, units="native", first_flow=first_flow)
    frames = fed(PatchStream(alone, Differences(), FlowBoxes()), frames_of(4), chunk)
    first = 0 if first_flow == "zero" else 1
    assert [frame.flow[0, 0, 0, 0] for frame in frames] == [first, 2, 3, 3]
    pair = fed(PatchStream(alone, Differences(), FlowBoxes()), frames_of(2), chunk)
    assert [frame.flow[0, 0, 0, 0] for frame in pair] == [first, 1]


class Never:
    def many(self, firsts: Sequence[np.ndarray], seconds: Sequence[np.ndarray]) -> list[np.ndarray]:
        raise AssertionError("flow is known already")


def known_flow(frames: list[np.ndarray], scale: float = 1.0) -> np.ndarray:
    """What a store keeps: the flow of every frame, the last one's repeated."""
    flows = Differences().many(frames[:-1], frames[1:]) or [np.zeros((24, 32, 2), np.float32)]
    return (scale * np.stack([*flows, flows[-1]])[: len(frames)]).astype(np.float16)


@given(st.integers(1, 14), st.integers(1, 16), st.booleans(), st.sampled_from(["next", "zero"]))
def test_flow_known_already_gives_the_same_patches(count: int, chunk: int, flow: bool, first: str) -> None:
    spec, frames = PatchSpec(flow=flow, side=8, units="native", first_flow=first), frames_of(count)
    stream, flows = PatchStream(spec, Never(), FlowBoxes()), known_flow(frames)
    known = []
    for start in range(0, count, chunk):
        known += stream.push(frames[start : start + chunk], "a", flows[start : start + chunk])
    known += stream.finish("a")
    computed = fed(PatchStream(spec, Differences(), FlowBoxes()), frames, chunk)
    assert [frame.index for frame in known] == list(range(count))
    for a, b in zip(known, computed):
        assert np.array_equal(a.boxes, b.boxes) and np.array_equal(a.raw, b.raw)
        assert np.array_equal(a.flow, b.flow) if flow else a.flow is None


def test_half_precision_makes_computed_flow_that_of_a_store() -> None:
    class Fine(Differences):
        def many(self, firsts, seconds):
            return [flow * np.float32(1.0001) for flow in super().many(firsts, seconds)]

    spec, frames = PatchSpec(side=8), frames_of(6)
    known, exact, half = (PatchStream(spec, Fine(), FlowBoxes(), half=k == 2) for k in range(3))
    stored = known.push(frames, "a", known_flow(frames, 1.0001)) + known.finish()
    assert all(np.array_equal(a.boxes, b.boxes) for a, b in zip(stored, fed(half, frames, 2)))
    assert not all(np.array_equal(a.boxes, b.boxes) for a, b in zip(stored, fed(exact, frames, 2)))


@pytest.mark.parametrize(("frames", "width"), [(3, 32), (5, 32), (4, 30)])
def test_flow_of_other_footage_is_refused(frames: int, width: int) -> None:
    stream = PatchStream(PatchSpec(side=8), Never(), FlowBoxes())
    with pytest.raises(DataError, match=r"a: has flow of \d frames .*; compute the flow of this footage anew"):
        stream.push(frames_of(4), "a", np.zeros((frames, 24, width, 2), np.float16))
