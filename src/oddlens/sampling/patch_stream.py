"""Frames in, patches out: flow, boxes and crops in one pass, the same for training and for live scoring."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from oddlens.errors import DataError
from oddlens.sampling.patches import Boxes, FramePatches, PatchSpec, context_indices, cut_patches
from oddlens.types import Image

Flow = NDArray[np.float32]
"""`float32 (H, W, 2)`, from a frame to the next, in native pixels."""


class Flows(Protocol):
    """Optical flow of many pairs of frames."""

    def many(self, firsts: Sequence[Image], seconds: Sequence[Image]) -> list[Flow]:
        """Flow of each pair."""
        ...


class Finder(Protocol):
    """Foreground boxes of many frames; a frame's boxes depend on that frame and its flow alone."""

    @property
    def needs_flow(self) -> bool:
        """Whether the boxes rest on the flow."""
        ...

    def find_many(
        self, images: Sequence[Image], flows: Sequence[Flow] | None, video: str, indices: Sequence[int]
    ) -> list[Boxes]:
        """Boxes of each frame."""
        ...


class PatchStream:
    """Takes the frames of one video after the other and gives each frame's patches as soon as they are complete.

    A frame waits for its context and for the flow of it (`PatchSpec.latency`). Memory holds a window of frames and
    what is pushed at once, however long the video is.

    Args:
        spec: what a patch is.
        flows: estimates the flow; used where patches or boxes need it.
        finder: finds the boxes.
        half: round flow to half precision, as stores keep it: computed or read from one, it gives the same patches.
    """

    def __init__(self, spec: PatchSpec, flows: Flows, finder: Finder, half: bool = False) -> None:
        self.spec, self.flows, self.finder, self.half = spec, flows, finder, half
        self._wants_flow = spec.flow or finder.needs_flow
        self._reset()

    def push(
        self, images: Sequence[Image], video: str = "", flows: NDArray[np.float16] | None = None
    ) -> list[FramePatches]:
        """Take the next frames `uint8 (H, W, C)`; return the patches that are complete now.

        Args:
            images: the frames.
            video: its name, for the finder and for messages.
            flows: their flow `(n, H, W, 2)` in native pixels where it is known already; give it for all frames of a
                video or for none.

        Raises:
            DataError: a frame of another size, or with another number of channels, than those before.
        """
        for image in images:
            if self._images and image.shape != self._images[-1].shape:
                fault = f"frame {self._seen} is {_described(image)}, those before are {_described(self._images[-1])}"
                raise DataError(video or "footage", fault, "give footage of one size, all grey or all colour")
            self._images.append(image)
            self._seen += 1
        if flows is None:
            self._estimate()
        elif self._wants_flow:
            self._take(flows, video)
        self._find(video)
        return self._cut(self._seen)

    def finish(self, video: str = "") -> list[FramePatches]:
        """The video is over: its last frames stand in for those that would follow."""
        if self._wants_flow and self._seen > self._flowed:
            still = np.zeros((*self._images[-1].shape[:2], 2), np.float32)
            self._keep_flow(still if self._latest is None else self._latest)
        self._find(video)
        last = self._cut(self._seen + self.spec.latency)
        self._reset()
        return last

    def _reset(self) -> None:
        self._images: deque[Image] = deque()
        self._flows: deque[Flow] = deque()
        self._latest: Flow | None = None
        self._boxes: deque[Boxes] = deque()
        self._first = 0  # frame that the first of the images and flows belongs to
        self._seen = self._flowed = self._found = self._done = 0

    def _estimate(self) -> None:
        """Flow of every frame whose successor is there."""
        if not self._wants_flow or self._seen - 1 <= self._flowed:
            return
        known = [self._images[k - self._first] for k in range(self._flowed, self._seen)]
        for flow in self.flows.many(known[:-1], known[1:]):
            self._keep_flow(flow)
            self._latest = flow

    def _take(self, flows: NDArray[np.float16], video: str) -> None:
        for flow in flows.astype(np.float32):
            self._keep_flow(flow)
        shape = self._flows[-1].shape[:2] if self._flows else ()
        if self._flowed != self._seen or shape != self._images[-1].shape[:2]:
            fault = f"has flow of {self._flowed} frames of shape {shape}, but {self._seen} frames"
            raise DataError(video or "footage", fault, "compute the flow of this footage anew")

    def _keep_flow(self, flow: Flow) -> None:
        if self.half:
            flow = flow.astype(np.float16).astype(np.float32)
        self._flows.append(np.zeros_like(flow) if self._flowed == 0 and self.spec.first_flow == "zero" else flow)
        self._flowed += 1

    def _find(self, video: str) -> None:
        """Boxes of every frame that has all they rest on."""
        ready = range(self._found, self._flowed if self._wants_flow else self._seen)
        if not ready:
            return
        images = [self._images[k - self._first] for k in ready]
        flows = [self._flows[k - self._first] for k in ready] if self._wants_flow else None
        self._boxes.extend(self.finder.find_many(images, flows, video, list(ready)))
        self._found = ready.stop

    def _cut(self, known: int) -> list[FramePatches]:
        """Patches of the frames whose whole window lies before frame `known`."""
        done = []
        while self._done < min(self._found, known - self.spec.latency):
            window = context_indices(self._done, self.spec.context, self._seen) - self._first
            images = [self._images[k] for k in window]
            flows = [self._flows[k] for k in window] if self.spec.flow else []
            done.append(cut_patches(self._done, images, flows, self._boxes.popleft(), self.spec))
            self._done += 1
            while self._first < self._done - self.spec.context:
                self._images.popleft()
                if self._flows:
                    self._flows.popleft()
                self._first += 1
        return done


def _described(image: Image) -> str:
    height, width, channels = image.shape
    return f"{width}x{height} in {'grey' if channels == 1 else 'colour'}"
