"""Statements that hold for every loan life, tried on lives that Hypothesis makes up."""
