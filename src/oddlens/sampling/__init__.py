"""From runs of frames to samples: clips, the order of training, intruder pictures."""
