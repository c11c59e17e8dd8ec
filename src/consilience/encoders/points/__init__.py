"""Encoders of point columns."""
