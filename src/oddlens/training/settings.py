"""Everything a run can be told, as strict dataclasses: what stands in a recipe, and in RUN/run.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from oddlens.config import Settings
from oddlens.errors import SettingsError

Precision = Literal["auto", "float32", "bfloat16"]
PaceMode = Literal["none", "hard", "linear", "huber", "mixture"]
_MOST_OVERLAP = 0.9
"""Of tiles; with more a photograph has hundreds of times as many as without."""


@dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Which footage."""

    root: str = ""
    """Folder of a data set, of own footage, or one video file."""
    layout: str = "auto"
    labels: str = "default"
    split: Literal["train", "test", "merge"] = "train"
    """Which videos to train on: the training ones, the unlabelled test footage itself (the "partial mode" of work on
    unlabelled video), or both."""
    cache_gb: float = 4.0
    """Largest size of the frame store; longer footage is sampled evenly over time."""
    cache_dir: str | None = None
    """Where frame stores live; default: the user's cache folder."""

    def __post_init__(self) -> None:
        """Refuse a budget that holds nothing."""
        if not 0 < self.cache_gb < inf:
            raise SettingsError("data.cache_gb", f"is {self.cache_gb}", "give a size above 0")


@dataclass(frozen=True, kw_only=True)
class SelfPacedSettings(Settings):
    """Self-paced refinement: training samples with unusually large losses count less.

    After a warm-up, a sample's weight falls with its score, from the mean of the scores to k standard deviations
    above it; k begins at `initial_width` and falls to 1.
    """

    mode: PaceMode = "none"
    """How weights fall: `hard` drops from k on, `linear` falls to there, `huber` falls beyond, `mixture` (the paper's
    choice) is 1 up to one standard deviation and falls to 0 at k."""
    warm_up_epochs: int = 5
    """Epochs without weights, where `training.epochs` sets the length."""
    warm_up: float = 0.2
    """Share of the steps without weights, where `training.iterations` sets the length."""
    initial_width: float = 4.0
    shrink_rate: float = 0.005
    """What k loses with each batch."""
    schedule: Literal["batches", "share"] = "batches"
    """`batches`: k falls by `shrink_rate` (official); `share`: it reaches 1 at `narrowest_at`, however many batches
    that takes."""
    narrowest_at: float = 0.5
    """Share of the steps at which k has fallen to 1."""
    statistics: Literal["auto", "batch", "recent"] = "auto"
    """What mean and standard deviation are taken from: the batch (official), or the last 256 scores; `auto` takes the
    batch from 64 samples on."""
    one_pass: bool = False
    """Judge by the training step's own losses, without a pass in eval mode: cheaper, not official, and unfit for
    methods that train on pseudo anomalies."""
    paper: bool = False
    """Official behaviour where all scores are equal: the batch is ignored (but for `huber`)."""

    def __post_init__(self) -> None:
        """Refuse widths and lengths that make no schedule."""
        if self.warm_up_epochs < 0:
            raise SettingsError("training.self_paced.warm_up_epochs", f"is {self.warm_up_epochs}", "give 0 or more")
        if not 0 <= self.warm_up < 1:
            raise SettingsError("training.self_paced.warm_up", f"is {self.warm_up}", "give a share from 0 to below 1")
        if not 1 <= self.initial_width < inf:
            raise SettingsError("training.self_paced.initial_width", f"is {self.initial_width}", "give 1 or more")
        if not 0 <= self.shrink_rate < inf:
            raise SettingsError("training.self_paced.shrink_rate", f"is {self.shrink_rate}", "give 0 or more")
        if not 0 < self.narrowest_at <= 1:
            fault, remedy = f"is {self.narrowest_at}", "give a share above 0, up to 1"
            raise SettingsError("training.self_paced.narrowest_at", fault, remedy)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """How to train."""

    seed: int = 0
    iterations: int = 0
    """Training steps; 0 = count by `epochs`."""
    epochs: int = 0
    batch_size: int = 4
    sampling: Literal["clips", "videos"] = "clips"
    """What an epoch is: every clip once, or one clip of every video (as F2LM's official code), which makes long and
    short videos count alike."""
    last_batch: Literal["drop", "keep"] = "drop"
    """What becomes of the incomplete last batch of an epoch."""
    schedule: Literal["constant", "one-cycle", "cosine"] = "constant"
    """Learning rate over time; `one-cycle` warms up over 5 % of the steps, then falls along a cosine; `cosine` falls
    from epoch to epoch (as DMAD's does)."""
    holdout: float = 0.1
    """Share of the normal footage kept for validation and calibration; 0 = train on all (as the papers do)."""
    select: Literal["last", "best-validation", "best-test"] = "last"
    """Which weights become the detector: the last, those of the lowest held-out normal loss, or those that rank the
    test labels best under `paper`, as the originals choose them: what is measured on these labels is then optimistic.
    """
    validate_every: int = 0
    """Steps between validations; 0 = ten times a run."""
    validation_clips: int = 64
    log_every: int = 10
    checkpoint_seconds: float = 60.0
    checkpoint_steps: int = 0
    """Steps between checkpoints besides those by time; 0 = by time alone."""
    precision: Precision = "auto"
    """`auto` takes bfloat16 where the hardware computes in it, float32 elsewhere."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int = 0
    """CPU threads; 0 = all cores."""
    workers: int = 0
    """Processes that prepare samples; 0 = the training process itself."""
    self_paced: SelfPacedSettings = field(default_factory=SelfPacedSettings)
    """Weights that let the training ignore what is rare in its footage."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no training."""
        if (self.iterations > 0) == (self.epochs > 0):
            fault = f"iterations is {self.iterations} and epochs is {self.epochs}"
            raise SettingsError("training", fault, "give exactly one of them, above 0")
        if self.iterations < 0 or self.epochs < 0:
            raise SettingsError("training", "iterations or epochs is negative", "give a number above 0")
        if self.batch_size < 1 or self.log_every < 1 or self.validation_clips < 1:
            fault = "batch_size, log_every or validation_clips is below 1"
            raise SettingsError("training", fault, "give 1 or more")
        if not 0 <= self.holdout < 1:
            raise SettingsError("training.holdout", f"is {self.holdout}", "give a share from 0 to below 1")
        if self.select == "best-validation" and not self.holdout:
            fault = "is best-validation, but training.holdout is 0"
            raise SettingsError("training.select", fault, "hold footage out, or set it to last")
        if not 0 <= self.seed < 1 << 63:
            raise SettingsError("training.seed", f"is {self.seed}", "give a whole number from 0 to 2^63 - 1")
        paced = self.self_paced
        if paced.mode != "none" and self.epochs and paced.warm_up_epochs >= self.epochs:
            fault = f"is {paced.warm_up_epochs} of {self.epochs} epochs, so no step would be self-paced"
            raise SettingsError("training.self_paced.warm_up_epochs", fault, "lower it, or train for more epochs")
        for name in ("workers", "threads", "validate_every", "checkpoint_steps", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise SettingsError(f"training.{name}", f"is {getattr(self, name)}", "give 0 or more")


@dataclass(frozen=True, kw_only=True)
class ScoringSettings(Settings):
    """How the detector scores, and when it raises an alarm."""

    mode: Literal["exact", "fast"] = "exact"
    """`exact`: one scored frame a window, as the papers; `fast`: each window scores its middle frames."""
    batch_size: int = 16
    precision: Precision = "auto"
    false_alarms_per_hour: float = 1.0
    """Wanted rate of false alarms; the threshold is chosen for it on held-out normal footage."""
    open_frames: int = 1
    """Frames in a row above the threshold that open an alarm."""
    close_seconds: float = 1.0
    """An alarm closes after so long below the lower threshold."""
    hysteresis: float = 0.2
    """The lower threshold lies so far below the threshold, in units of surprise."""
    false_reject_rate: float = 0.01
    """Methods of photographs: wanted share of good photographs that are rejected, instead of the four above."""
    tile: int = 0
    """Methods of photographs: width in pixels of the tiles that photographs are cut into, at full resolution, to be
    trained on, calibrated with and scored in; 0 = whole photographs."""
    tile_overlap: float = 0.25
    """Share of a tile's side that neighbours have in common at least."""

    def __post_init__(self) -> None:
        """Refuse rates and lengths that make no alarm."""
        if not 0 < self.false_alarms_per_hour < inf:
            fault = f"is {self.false_alarms_per_hour}"
            raise SettingsError("scoring.false_alarms_per_hour", fault, "give a rate above 0")
        if not 0 < self.false_reject_rate < 1:
            fault = f"is {self.false_reject_rate}"
            raise SettingsError("scoring.false_reject_rate", fault, "give a share above 0 and below 1")
        if self.tile < 0:
            raise SettingsError("scoring.tile", f"is {self.tile}", "give a width in pixels, or 0 for whole photographs")
        if not 0 <= self.tile_overlap <= _MOST_OVERLAP:
            fault = f"is {self.tile_overlap}"
            raise SettingsError("scoring.tile_overlap", fault, f"give a share from 0 to {_MOST_OVERLAP}")
        if self.batch_size < 1 or self.open_frames < 1:
            raise SettingsError("scoring", "batch_size or open_frames is below 1", "give 1 or more")
        if not (0 <= self.close_seconds < inf and 0 <= self.hysteresis < inf):
            raise SettingsError("scoring", "close_seconds or hysteresis is negative or endless", "give 0 or more")


@dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """A whole run: method (its `name` and its own settings), data, training, scoring."""

    method: dict[str, Any] = field(default_factory=dict)
    data: DataSettings = field(default_factory=DataSettings)
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(epochs=60))
    scoring: ScoringSettings = field(default_factory=ScoringSettings)

    @property
    def unlabelled(self) -> bool:
        """Whether the footage trained on may hold what is searched for."""
        return self.data.split != "train" or self.training.self_paced.mode != "none"
