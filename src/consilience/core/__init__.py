"""What every room stands on: registry, errors, seeds, hashing, files, progress. No torch here."""
