"""Encoders of films."""
