"""Data sets and configurations that make no training."""

from __future__ import annotations

import shutil

import pytest
import torch


def test_a_data_set_that_is_missing(w):
    w.refuses(w.train(data=w.at / "nowhere"), "nowhere")


def test_a_folder_that_is_no_data_set(w):
    (w.at / "papers").mkdir()
    w.file("papers/a.txt", "words")
    w.refuses(w.train(data=w.at / "papers"), "papers")


def test_a_data_set_without_training_videos(w):
    shutil.copytree(w.scene / "test", w.at / "own" / "test")
    w.refuses(w.train(data=w.at / "own"), "own: holds no training videos")


def test_training_footage_shorter_than_a_window(w):
    (w.at / "own").mkdir()
    shutil.move(w.images("normal", 12), w.at / "own" / "normal")
    w.refuses(w.train(data=w.at / "own"), "16 frames")


def test_another_layout_than_named(w):
    w.refuses(w.train("--layout", "avenue"), "is not Avenue")


def test_an_unknown_layout(w):
    w.refuses(w.train("--layout", "cavenue"), "cavenue")


def test_a_check_of_nothing(w):
    w.refuses(["data", "check", w.at / "nowhere"], "nowhere")


def test_a_preparation_over_something_else(w):
    w.file("notes.txt", "mine")
    w.refuses(["data", "prepare", w.scene, "--out", w.at], "world")


def test_a_scene_of_odd_size(w):
    w.refuses(["data", "walkway", w.out, "--width", "65", "--height", "49"], "65x49")


def test_a_scene_over_something_else(w):
    w.file("notes.txt", "mine")
    w.refuses(["data", "walkway", w.at], "world")


def test_an_unknown_key(w):
    w.refuses(w.configured("training: {iteratoins: 5}"), "iteratoins")


def test_an_unknown_key_of_the_method(w):
    w.refuses(w.configured("method: {widhts: [4, 4, 8]}"), "did you mean 'widths'")


def test_a_value_of_the_wrong_type(w):
    w.refuses(w.configured("training: {batch_size: many}"), "batch_size")


def test_a_group_that_is_a_word(w):
    w.refuses(w.configured("training: quick"), "mine.yaml")


def test_a_method_that_is_a_word(w):
    w.refuses(w.configured("method: lnra"), "mine.yaml")


def test_a_configuration_that_is_not_yaml(w):
    w.refuses(w.configured("training: [unclosed"), "mine.yaml")


def test_a_configuration_that_is_a_list(w):
    w.refuses(w.configured("- 1\n- 2\n"), "mine.yaml")


def test_a_configuration_that_would_run_code(w):
    w.refuses(w.configured(f"training: !!python/object/apply:os.mkdir ['{w.out}']"), "mine.yaml")


def test_a_missing_configuration(w):
    w.refuses(w.train("--config", w.at / "mine.yaml"), "mine.yaml")


def test_an_unknown_recipe(w):
    w.refuses(w.train("--config", "lnra/cpo"), "did you mean 'lnra/cpu'")


def test_an_unknown_method(w):
    w.refuses(["train", "lnrb", "--data", w.scene, "--out", w.out], "did you mean 'lnra'")


def test_a_recipe_of_another_method(w):
    w.refuses(["train", "other", "--config", "lnra/cpu", "--data", w.scene, "--out", w.out], "other")


def test_an_assignment_without_a_value(w):
    w.refuses(w.train("--set", "training.seed"), "training.seed")


def test_an_assignment_to_an_unknown_key(w):
    w.refuses(w.train("--set", "training.sede=3"), "sede")


def test_an_assignment_that_is_not_yaml(w):
    w.refuses(w.train("--set", "training.seed=[1"), "training.seed=[1")


def test_a_frame_size_that_cannot_be_halved(w):
    w.refuses(w.train("--set", "method.width=40"), "40x32")


def test_a_batch_of_nothing(w):
    w.refuses(w.train("--set", "training.batch_size=0"), "batch_size")


def test_more_in_a_batch_than_there_is(w):
    w.refuses(w.train("--set", "training.batch_size=500"), "a batch takes 500")


def test_both_iterations_and_epochs(w):
    w.refuses(w.train("--set", "training.epochs=5"), "epochs")


def test_probabilities_beyond_one(w):
    kinds = "[{kind: cutmix, probability: 0.7}, {kind: skip-frame, probability: 0.7}]"
    w.refuses(w.train("--set", f"method.pseudo={kinds}"), "probabilities")


def test_an_unknown_kind_of_pseudo_anomaly(w):
    w.refuses(w.train("--set", "method.pseudo=[{kind: sliced}]"), "kind")


def test_an_unknown_intruder(w):
    w.refuses(w.train("--set", "method.pseudo=[{kind: cutmix, probability: 0.5, intruder: cats}]"), "cats")


def test_a_missing_intruder_folder(w):
    kind = f"{{kind: cutmix, probability: 0.5, intruder: 'images:{w.at}/cats'}}"
    w.refuses(w.train("--set", f"method.pseudo=[{kind}]"), "cats")


def test_an_intruder_folder_without_images(w):
    (w.at / "cats").mkdir()
    kind = f"{{kind: cutmix, probability: 0.5, intruder: 'images:{w.at}/cats'}}"
    w.refuses(w.train("--set", f"method.pseudo=[{kind}]"), "cats")


def test_no_room_for_frames(w):
    w.refuses(w.train("--cache-gb", "0"), "cache_gb")


def test_an_alarm_rate_of_nought(w):
    w.refuses(w.train("--false-alarms-per-hour", "0"), "false_alarms_per_hour")


def test_no_footage_to_train_on(w):
    w.refuses(["train", "lnra", "--out", w.out], "footage")


def test_a_device_that_is_not_there(w):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    w.refuses(w.train("--device", "cuda"), "cuda")


def test_a_device_that_is_not_there_to_score(w):
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    w.refuses([*w.score(w.clip), "--device", "cuda"], "cuda")
