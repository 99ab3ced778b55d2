"""Footage and labels that are not what they are taken for."""

from __future__ import annotations

import wave

import av
import numpy as np
import yaml
from PIL import Image
from safetensors.torch import save_file

from oddlens.methods.lnra.method import Lnra


def test_a_missing_file(w):
    w.refuses(w.score(w.at / "nowhere.mp4"), "nowhere.mp4")


def test_an_empty_file(w):
    w.refuses(w.score(w.file("empty.mp4")), "empty.mp4")


def test_a_text_named_mp4(w):
    w.refuses(w.score(w.file("notes.mp4", "just a few words\n" * 20)), "notes.mp4")


def test_a_picture_named_avi(w):
    Image.new("L", (32, 24)).save(w.at / "still.png")
    w.refuses(w.score((w.at / "still.png").rename(w.at / "still.avi")), "still.avi")


def test_sound_without_pictures(w):
    with wave.open(str(w.at / "voice.mp4"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    w.refuses(w.score(w.at / "voice.mp4"), "voice.mp4: it has no video stream")


def test_a_recording_cut_off_before_its_index(w):
    path = w.at / "whole.mp4"
    with av.open(str(path), "w") as container:  # the index comes last, as cameras write it
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for level in range(0, 200, 8):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    whole = path.read_bytes()
    path.unlink()
    w.refuses(w.score(w.file("cut.mp4", whole[: len(whole) // 2])), "cut.mp4")


def test_a_folder_without_images(w):
    (w.at / "empty").mkdir()
    w.refuses(w.score(w.at / "empty"), "empty")


def test_a_single_image(w):
    w.refuses(w.score(w.images("one", 1) / "000.png"), "has 1 frame")


def test_a_clip_one_frame_too_short(w):
    w.refuses(w.score(w.images("brief", 15)), "brief: has 15 frames, one window takes 16")


def test_images_of_two_sizes(w):
    w.images("mixed", 10)
    w.refuses(w.score(w.images("mixed", 10, (40, 24))), "mixed")


def test_a_glob_without_a_match(w):
    w.refuses(w.score(w.at / "*.mp4"), "*.mp4")


def test_grey_footage_for_a_colour_detector(w):
    folder = w.spoilt_detector()
    settings = yaml.safe_load((folder / "detector.yaml").read_text())
    settings["method"]["channels"] = 3
    (folder / "detector.yaml").write_text(yaml.safe_dump(settings))
    values = {key: value for key, value in settings["method"].items() if key != "name"}
    weights = Lnra.from_values(values, "method").state_dict()
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "weights.safetensors")
    w.refuses(w.score(w.images("grey", 20), detector=folder), "grey: is grey")


def test_nothing_to_score(w):
    w.refuses(["score", w.run, "--out", w.out], "input")


def test_a_frame_rate_below_nought(w):
    w.refuses([*w.score(w.images("clip", 20)), "--fps", "-3"], "frame rate")


def test_labels_that_are_missing(w):
    w.refuses([*w.score(w.clip), "--labels", w.at / "labels.csv"], "labels.csv")


def test_labels_without_their_columns(w):
    w.refuses([*w.score(w.clip), "--labels", w.file("labels.csv", "a,b\n1,2\n")], "labels.csv")


def test_labels_of_an_unknown_video(w):
    w.refuses([*w.score(w.clip), "--labels", w.file("labels.csv", "video,start,end\ngate,1,2\n")], "'gate'")


def test_labels_that_end_before_they_start(w):
    w.refuses([*w.score(w.clip), "--labels", w.file("labels.csv", "video,start,end\ntest_01,9,5\n")], "line 2")


def test_labels_beyond_the_end(w):
    w.refuses([*w.score(w.clip), "--labels", w.file("labels.csv", "video,start,end\ntest_01,9,500\n")], "500")


def test_labels_that_are_a_picture(w):
    Image.new("L", (64, 64)).save(w.at / "labels.png")
    w.refuses([*w.score(w.clip), "--labels", w.at / "labels.png"], "labels.png")


def spoilt_labels(w, change):
    scene = w.spoilt_scene()
    file = scene / "labels" / "test_01.npy"
    np.save(file, change(np.load(file)))
    return scene


def test_labels_of_another_length(w):
    scene = spoilt_labels(w, lambda labels: labels[:-4])
    w.refuses(["evaluate", w.run, "--data", scene, "--out", w.out], "36")


def test_labels_that_are_no_numbers(w):
    scene = spoilt_labels(w, lambda labels: np.where(labels, np.nan, 0.0))
    w.refuses(["evaluate", w.run, "--data", scene, "--out", w.out], "test_01.npy")


def test_a_label_file_that_is_none(w):
    scene = w.spoilt_scene()
    (scene / "labels" / "test_01.npy").write_bytes(b"nothing")
    w.refuses(["evaluate", w.run, "--data", scene, "--out", w.out], "test_01.npy")


def test_no_labels_at_all(w):
    w.refuses(["evaluate", w.run, "--data", w.scene / "normal", "--out", w.out], "no labelled test video")


def test_a_version_of_labels_that_is_not_there(w):
    w.refuses(["evaluate", w.run, "--data", w.scene, "--labels", "guessed", "--out", w.out], "guessed")
