"""Encoders of volume columns."""
