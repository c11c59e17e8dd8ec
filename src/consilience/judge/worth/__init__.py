"""What modalities and columns are worth: the score under every pattern of evidence, shares of it, interaction, columns to do without."""

from __future__ import annotations

from consilience.judge.worth.row import row_worth
from consilience.judge.worth.whole import scored_worth, table_worth

__all__ = ["row_worth", "scored_worth", "table_worth"]
