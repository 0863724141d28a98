"""Statements that are often made by eye, put to the numbers: one file a kind of test."""

from analysis.statements.catalogue import decide_statements
from analysis.statements.decision import Decision, Verdict

__all__ = ["Decision", "Verdict", "decide_statements"]
