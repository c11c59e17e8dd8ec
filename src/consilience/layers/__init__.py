"""Small torch parts that every network shares."""
