"""Where is the model worse than elsewhere? Every part of the table that has a name, the worst first, corrected for the number of looks.

Source: Chung et al. (2019), Slice Finder; Benjamini and Hochberg (1995), the false discovery rate; Fisher (1935), permutation tests.
"""

from __future__ import annotations

from consilience.judge.slices._cuts import check_columns
from consilience.judge.slices._find import Slice, Slices, find_slices
from consilience.judge.slices._twins import Twin, Twins, find_twins

__all__ = ["Slice", "Slices", "Twin", "Twins", "check_columns", "find_slices", "find_twins"]
