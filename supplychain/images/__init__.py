"""Anything that holds an image, to verified bytes by digest."""
