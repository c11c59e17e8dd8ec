"""From cells to features: each distinct cell is encoded once, and kept."""
