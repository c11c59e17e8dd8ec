"""Encoders of text columns."""
