from __future__ import annotations

from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from oddlens.errors import MediaError
from oddlens.media.video import VideoFile
from oddlens.media.writer import VideoWriter

Picture = NDArray[np.uint8]
Pictures = Callable[..., list[Picture]]
MakeVideo = Callable[..., Path]


def levels(path: Path, start: int = 0) -> list[int]:
    return [round(float(frame.image.mean()) / 10) for frame in VideoFile(path, colour="grey").frames(start)]


def test_frames_come_in_order_with_index_time_and_level(make_video: MakeVideo, flat_pictures: Pictures) -> None:
    source = VideoFile(make_video(flat_pictures(12)))
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([k / 10 for k in range(12)])
    assert [round(float(frame.image.mean()) / 10) for frame in frames] == list(range(12))
    assert (source.info.width, source.info.height, source.info.channels) == (64, 48, 3)
    assert (source.info.fps, source.info.frames, source.info.name) == (10.0, 12, "clip")
    assert source.faults == []


@pytest.mark.parametrize("start", [0, 1, 7, 11, 12, 50])
def test_starting_later_gives_the_same_frames(make_video: MakeVideo, flat_pictures: Pictures, start: int) -> None:
    path = make_video(flat_pictures(12))
    assert levels(path, start) == list(range(12))[start:]
    assert [frame.time for frame in VideoFile(path).frames(start)] == pytest.approx([k / 10 for k in range(start, 12)])


def test_every_call_reads_anew_and_may_be_left_early(make_video: MakeVideo, flat_pictures: Pictures) -> None:
    source = VideoFile(make_video(flat_pictures(12)))
    early = source.frames()
    assert [frame.index for frame in islice(early, 3)] == [0, 1, 2]
    early.close()
    assert len(list(source.frames())) == 12
    assert source.faults == []


def test_variable_frame_rate_keeps_its_times(make_video: MakeVideo, flat_pictures: Pictures) -> None:
    stamps = [30, 31, 32, 40, 41, 80]
    path = make_video(flat_pictures(6), "variable.mkv", stamps=stamps)
    assert [frame.time for frame in VideoFile(path).frames()] == pytest.approx(
        [(stamp - 30) / 10 for stamp in stamps], abs=2e-3
    )


# QuickTime's matrices: x' = a x + c y, y' = b x + d y with y downwards, so (0, 1, -1, 0) turns clockwise.
ONE = 1 << 16
CLOCKWISE = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
COUNTER_CLOCKWISE = (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30)
UPSIDE_DOWN = (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(("matrix", "turns"), [(None, 0), (CLOCKWISE, -1), (COUNTER_CLOCKWISE, 1), (UPSIDE_DOWN, 2)])
def test_rotation_metadata_is_applied(make_video: MakeVideo, matrix: tuple[int, ...] | None, turns: int) -> None:
    picture = np.zeros((48, 80, 3), np.uint8)
    picture[:24, :40] = 250
    picture[:24, 40:] = 120
    source = VideoFile(make_video([picture] * 3, matrix=matrix))
    frame = next(source.frames())
    upright = np.rot90(picture, turns)
    assert frame.image.shape == upright.shape == (source.info.height, source.info.width, 3)
    assert np.abs(frame.image.astype(int) - upright).mean() < 6


def test_odd_sizes_are_kept(make_video: MakeVideo, rng_image: Callable[..., Picture]) -> None:
    pictures = [cv2.resize(rng_image(4, 6, 3), (521, 243)) for _ in range(2)]
    source = VideoFile(make_video(pictures, "odd.avi", codec="ffv1", pixels="bgr0"))
    for frame, picture in zip(source.frames(), pictures, strict=True):
        assert np.array_equal(frame.image, picture)


def test_grey_is_full_range_and_close_to_opencv(make_video: MakeVideo, rng_image: Callable[..., Picture]) -> None:
    picture = cv2.resize(rng_image(4, 6, 3), (64, 48))
    path = make_video([picture], "clip.avi", codec="ffv1", pixels="yuv444p")
    grey = next(VideoFile(path, colour="grey").frames()).image
    assert grey.shape == (48, 64, 1)
    assert np.abs(grey[..., 0].astype(int) - cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)).max() <= 2
    ends = make_video([np.full((48, 64, 3), level, np.uint8) for level in (0, 255)], "ends.avi", codec="ffv1")
    assert [int(frame.image.mean()) for frame in VideoFile(ends, colour="grey").frames()] == [0, 255]


@pytest.mark.parametrize(("pixels", "bits"), [("gray", 8), ("gray10le", 10), ("gray12le", 12), ("gray16le", 16)])
def test_deep_grey_is_native_grey_scaled_by_its_depth(make_video: MakeVideo, pixels: str, bits: int) -> None:
    ramp = np.tile((np.arange(256) * 257).astype(np.uint16), (16, 1))
    source = VideoFile(make_video([ramp], "deep.mkv", codec="ffv1", pixels=pixels))
    image = next(source.frames()).image
    assert source.info.channels == 1 and image.dtype == np.uint8 and image.shape == (16, 256, 1)
    assert np.abs(image[..., 0].astype(int) - np.arange(256)).max() <= 1
    assert next(VideoFile(source.info.path, colour="rgb").frames()).image.shape == (16, 256, 3)


def test_a_cut_transport_stream_gives_what_is_there(make_video: MakeVideo, flat_pictures: Pictures) -> None:
    path = make_video(flat_pictures(20), "clip.ts", codec="mpeg2video")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    count = len(list(VideoFile(path).frames()))
    assert 0 < count < 20


def test_a_cut_avi_says_what_its_header_promised(make_video: MakeVideo, rng_image: Callable[..., Picture]) -> None:
    path = make_video([rng_image(48, 64, 3) for _ in range(10)], "clip.avi", codec="mjpeg", pixels="yuvj420p")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = VideoFile(path)
    count = len(list(source.frames()))
    assert 0 < count < 10
    assert f"header announces 10 frames, {count} decode" in source.faults


def test_broken_packets_are_skipped_and_counted_in_one_line(
    make_video: MakeVideo, rng_image: Callable[..., Picture], capfd: pytest.CaptureFixture[str]
) -> None:
    path = make_video([rng_image(48, 64, 3) for _ in range(10)], "clip.avi", codec="png", pixels="rgb24")
    data = bytearray(path.read_bytes())
    starts = [k for k in range(len(data)) if data.startswith(b"IHDR", k)]
    for start in starts[3:6]:
        data[start : start + 4] = b"junk"
    path.write_bytes(data)
    source = VideoFile(path)
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(7))
    assert frames[3].time == pytest.approx(0.6)
    skipped = [line for line in source.faults if "skipped" in line]
    assert len(skipped) == 1 and skipped[0].startswith("3 broken packets skipped (the first after 3 frames")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("broken", [{0}, {9}, {8, 9}, {4}, {0, 5, 8}])
def test_frames_beside_broken_ones_are_never_lost(
    make_video: MakeVideo, flat_pictures: Pictures, broken: set[int]
) -> None:
    path = make_video(flat_pictures(10), "clip.avi", codec="png", pixels="rgb24")
    data = bytearray(path.read_bytes())
    starts = [k for k in range(len(data)) if data.startswith(b"IHDR", k)]
    for k in broken:
        data[starts[k] : starts[k] + 4] = b"junk"
    path.write_bytes(data)
    assert levels(path) == [k for k in range(10) if k not in broken]


def test_an_mp4_that_breaks_off_gives_all_that_is_whole(tmp_path: Path, rng_image: Callable[..., Picture]) -> None:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 10) as writer:
        for _ in range(20):
            writer.write(rng_image(48, 64, 3))
    with av.open(str(path)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: ends[14] - 5])
    source = VideoFile(path)
    assert len(list(source.frames())) == 14
    assert "header announces 20 frames, 14 decode" in source.faults


def test_a_change_of_size_is_refused_with_both_sizes(
    make_video: MakeVideo, flat_pictures: Pictures, tmp_path: Path
) -> None:
    small = make_video(flat_pictures(3, 48, 64), "small.ts", codec="mpeg2video")
    large = make_video(flat_pictures(3, 96, 128), "large.ts", codec="mpeg2video")
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(MediaError, match=r"both\.ts.*128x96.*64x48"):
        list(VideoFile(both).frames())


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def without_index(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


@pytest.mark.parametrize(
    ("name", "spoil", "fault"),
    [
        ("missing.mp4", lambda path: None, "no such file"),
        ("empty.mp4", lambda path: path.write_bytes(b""), "is empty"),
        ("text.mp4", lambda path: path.write_text("not a video\n" * 300), "not a video"),
        ("text.txt", lambda path: path.write_text("not a video\n" * 300), "not a video"),
        ("folder.mp4", lambda path: path.mkdir(), "no such file"),
        ("audio.mp4", audio_only, "no video stream"),
        ("cut.mp4", without_index, "not a video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, spoil: Callable[[Path], None], fault: str
) -> None:
    spoil(tmp_path / name)
    with pytest.raises(MediaError) as caught:
        VideoFile(tmp_path / name)
    message = str(caught.value)
    assert name in message and fault in message and "\n" not in message and caught.value.remedy
    assert capfd.readouterr().err == ""


def test_nothing_decodable_is_refused(make_video: MakeVideo, rng_image: Callable[..., Picture]) -> None:
    path = make_video([rng_image(48, 64, 3)] * 2, "clip.avi", codec="png", pixels="rgb24")
    path.write_bytes(path.read_bytes().replace(b"IHDR", b"junk"))
    with pytest.raises(MediaError, match="not one of its frames"):
        VideoFile(path)


@pytest.mark.real
class TestReal:
    def test_header_that_lies(self, real_data: Path) -> None:
        source = VideoFile(real_data / "videos" / "tree.avi")
        frames = list(source.frames())
        assert (source.info.frames, len(frames)) == (444, 68)
        assert source.faults == ["header announces 444 frames, 68 decode"]
        assert frames[0].time == 0 and all(a.time <= b.time for a, b in pairwise(frames))

    def test_walkers(self, real_data: Path) -> None:
        source = VideoFile(real_data / "videos" / "vtest.avi", colour="grey")
        last = None
        for last in source.frames(700):
            assert last.image.shape == (576, 768, 1)
        assert last is not None and last.index == 794 and last.time == pytest.approx(79.4)
        assert source.info.fps == 10 and source.faults == []

    def test_avenue(self, real_data: Path) -> None:
        source = VideoFile(real_data / "avenue" / "testing_videos" / "21.avi")
        assert sum(frame.image.shape == (360, 640, 3) for frame in source.frames()) == 76
        assert source.info.fps == 25
