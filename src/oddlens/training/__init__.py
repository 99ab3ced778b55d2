"""The training loop, its settings, checkpoints and logs."""
