"""Encoders of image columns."""
