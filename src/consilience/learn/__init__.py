"""From examples to a chosen model: candidates, folds, leaderboard, calibration."""
