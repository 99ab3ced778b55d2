"""Speed and memory of OddLens, as ratios to a stated baseline measured in the same run."""
