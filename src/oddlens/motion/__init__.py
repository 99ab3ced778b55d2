"""Optical flow: where every pixel of a frame goes in the next one."""
