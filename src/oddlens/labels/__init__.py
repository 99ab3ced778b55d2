"""What every place of a frame shows, and with the motion there: the helper features that F2LM imitates."""
