"""Encoders of number, category, date and set columns, taken together."""
