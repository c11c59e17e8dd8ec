"""A small card of a model for a notebook: the verdict, the headline metric, the best candidates."""

from __future__ import annotations

from html import escape

from consilience.pipeline.fitted import Pipeline
from consilience.report._hero import verdict
from consilience.report._material import Material, headline_of, learner_of
from consilience.report._numbers import Numbers
from consilience.report._words import words_for

__all__ = ["notebook_html"]

SHOWN = 5
# Colours are taken from the page around it, so that the card fits light and dark notebooks.
_DIM = "opacity:.7;font-size:13px"
_CELL = "text-align:left;padding:3px 16px 3px 0;background:none;border:0"
_NUMBER = "text-align:right;padding:3px 0 3px 16px;background:none;border:0;font-variant-numeric:tabular-nums;white-space:nowrap"


def notebook_html(pipeline: Pipeline, *, language: str = "en") -> str:
    """One piece of HTML with its styles inline; everything that comes from the data is escaped."""
    words = words_for(language)
    material = Material(pipeline, words, Numbers(words, pipeline.task))
    numbers, facts = material.numbers, material.facts
    metric = facts["headline"]
    found = headline_of(material.chosen, metric)
    where = words("hero.no_table", rows=f"{facts['num_scored']:,}")
    scored = [entry for entry in facts["leaderboard"] if entry["metrics"]][:SHOWN]
    rows = "".join(
        f'<tr style="background:none;{"font-weight:600" if entry["name"] == facts["chosen"] else ""}">'
        f'<td style="{_CELL}">{escape(learner_of(entry))}</td>'
        f'<td style="{_CELL};opacity:.7">{escape(words.pattern(entry["modalities"]))}</td>'
        f'<td style="{_NUMBER}">{escape(numbers.metric(metric, headline_of(entry, metric)["value"]))}</td>'
        f'<td style="{_NUMBER};opacity:.7">{escape(numbers.interval(metric, headline_of(entry, metric)))}</td></tr>'
        for entry in scored
    )
    return (
        '<div style="max-width:640px;font-family:system-ui,sans-serif;font-size:14px;line-height:1.5;'
        'border-left:3px solid #0c6b66;padding:4px 0 4px 16px">'
        f'<div style="{_DIM}">{escape(words("hero.target", target=pipeline.task.target.name))}</div>'
        f'<div style="font-size:17px;margin:4px 0 10px">{escape(verdict(material))}</div>'
        f"<div><b>{escape(numbers.name(metric))} {escape(numbers.metric(metric, found['value']))}</b> "
        f'<span style="opacity:.7">{escape(numbers.interval(metric, found))}, {escape(where)}</span></div>'
        f'<div style="{_DIM};margin-top:12px">{escape(words("notebook.board"))}</div>'
        f'<table style="border-collapse:collapse;border:0;margin:0">{rows}</table></div>'
    )
