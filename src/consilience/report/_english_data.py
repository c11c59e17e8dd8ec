"""The report's texts on the data, how the model was made, thresholds and curves, in English."""

from __future__ import annotations

__all__ = ["ENGLISH_DATA"]

ENGLISH_DATA: dict[str, str] = {
    # --- data ---
    "warnings.conclusion": "{count} things to know before trusting the model.",
    "warnings.conclusion_one": "One thing to know before trusting the model.",
    "warnings.none": "Nothing suspicious was found in the columns.",
    "topic.leak": "leak",
    "topic.identifier": "identifier",
    "topic.group": "group",
    "topic.constant": "constant",
    "topic.duplicate": "duplicate",
    "topic.missing": "missing",
    "topic.unreadable": "unreadable",
    "topic.drift": "drift",
    "topic.rare": "rare",
    "data.conclusion_all": "Of {columns} columns {features} are evidence; none is left out.",
    "data.conclusion": "Of {columns} columns {features} are evidence; left out: {ignored}.",
    "data.columns": "Columns",
    "data.more": "{count} more columns are not shown.",
    "data.aside": "Rows set aside",
    "data.aside_train": "Set aside: {count} of {rows} training rows.",
    "data.aside_table": "Set aside: {count} of {rows} rows of {source}.",
    "data.aside_none": "No row was set aside.",
    "data.aside_more": "The first {count} are shown.",
    "data.notes": "Cells that count as absent",
    "data.notes_count": "Rows of {source} in which a cell could not be used and counted as absent: {count}.",
    "data.training": "training",
    "column.table": "table",
    "role.feature": "used",
    "role.target": "target",
    "role.group": "group",
    "role.ignored": "left out",
    # --- run ---
    "run.conclusion": "Fitted in {seconds} s on {rows} rows; at most {memory} of memory.",
    "run.encoders": "Encoders",
    "run.members": "Parts of the chosen model",
    "run.member": "model",
    "run.weight": "weight",
    "run.details": "Details",
    "run.version": "Version",
    "run.learned": "Rows learned from",
    "run.scored": "Held-out rows that chose",
    "run.cells": "Cells encoded / reused",
    "run.temperature": "Temperature of the probabilities",
    "run.recipe": "Recipe",
    "run.repeat": "Keep it as recipe.yaml; this repeats the fit:",
    "run.no_weights": "learned from this table",
    "stage.read": "Reading",
    "stage.encode": "Encoding",
    "stage.learn": "Learning",
    "stage.total": "In all",
    "stage.memory": "Most memory held",
    # --- without a table ---
    "absent.title": "What is not here",
    "absent.text": "Modalities, errors, trust and examples need rows with their true {target}. Name a table that the model has not learned from:",
    # --- thresholds, curves, drift ---
    "threshold.conclusion": "Naming every row {name} to which the model gives at least 50\u202f% finds {recall} of the {rows} there are, and "
    "{precision} of those named are (F1 {f1}).",
    "threshold.better": "From {at} on instead, F1 would be {f1}; but that threshold was sought on these very rows.",
    "threshold.fine": "No other threshold has a clearly better F1.",
    "threshold.plot": "Precision, recall and F1 of {name} by threshold",
    "threshold.axis": "threshold: least probability at which a row is named {name}",
    "threshold.axis_value": "share",
    "threshold.note": "Where a missed row costs more than a false alarm, take a lower threshold; where it costs less, a higher one. Upright "
    "lines: 50\u202f%, and the best F1 where it is clearly better.",
    "threshold.named": "rows named",
    "column.threshold": "threshold",
    "curve.title": "Training curves",
    "curve.held_out": "rows held out",
    "curve.seen": "rows learned from",
    "curve.part": "{modality} alone, within the model",
    "curve.epochs": "epochs",
    "curve.rounds": "rounds",
    "curve.note": "Mean loss over the folds; what is learned end to end is held out once. Learning again from all rows stops where the loss of "
    "the rows held out was least (upright line).",
    "curve.risen": "Least loss {least} after {at} {along}; learning on would overfit ({last} at the end).",
    "curve.flat": "Least loss {least} after {at} {along}; more brings nothing.",
    "curve.end": "Least loss {least} at the end, after {at} {along}.",
    "drift.missing": "Missing in {here} of the rows of {source}; in training in {there}.",
    "drift.number": "Its values are others than in training ({distance} of the rows would have to move): the median is {here} in {source} "
    "and was {there}.",
    "drift.date": "Its dates are others than in training ({distance} of the rows would have to move): the middle one is {here} in {source} "
    "and was {there}.",
    "drift.length": "Its texts are of another length than in training ({distance} of the rows would have to change): the median is {here} "
    "characters in {source} and was {there}.",
    "drift.category": "Its values are others than in training ({distance} of the rows would have to change): {name} has {here} of the rows of "
    "{source} and had {there}.",
    "drift.other": "any value not common in training",
    "warnings.near_duplicates": "Nearly the same as another row: {count} of the training rows. They were kept on one side whenever rows "
    "were held out, so that no row was judged by its double.",
    "topic.near_duplicates": "near-duplicates",
    "confusion.part": "Who is taken for whom: the {count} classes of {classes} with most mistakes among them",
    "confusion.all_pairs": "The most confused pairs",
}
