"""OddLens learns what normal looks like from video, then shows when and where something departs from it."""
