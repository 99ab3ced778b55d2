"""Building blocks that several methods share; pure torch, they know nothing of methods or footage."""
