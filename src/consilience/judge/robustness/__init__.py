"""What a model loses when its evidence is damaged, kind by kind and ever more. Source: Hendrycks and Dietterich (2019)."""

from __future__ import annotations

from consilience.judge.robustness._curves import Curve, Part, Point, Robustness, area_between
from consilience.judge.robustness._measure import ROWS, measure_robustness
from consilience.judge.robustness._plan import Trial, plan_trials
from consilience.judge.robustness._sheet import contact_sheet

__all__ = ["ROWS", "Curve", "Part", "Point", "Robustness", "Trial", "area_between", "contact_sheet", "measure_robustness", "plan_trials"]
