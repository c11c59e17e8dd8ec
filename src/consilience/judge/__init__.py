"""What a fitted model is worth, and where not."""
