"""The fitted whole: recipe, fit, table -> prediction, model folder."""
