"""How networks are trained: loop, schedule, batches."""
