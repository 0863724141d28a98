"""Statements that are often made by eye, tested on the numbers: one file per kind of test."""

from analysis.statements.catalogue import decide_statements
from analysis.statements.decision import Decision, StatementVerdict

__all__ = ["Decision", "StatementVerdict", "decide_statements"]
