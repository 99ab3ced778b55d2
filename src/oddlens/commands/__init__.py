"""The commands: typed keyword arguments in, a few printed lines and an exit code out."""
