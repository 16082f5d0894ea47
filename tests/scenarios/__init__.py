"""Loan lives as text tables that a loan officer can read and correct."""
