"""Encoders of series: frozen descriptions in numpy, and networks that learn with the model."""
