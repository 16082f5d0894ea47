"""Statements for people who are no operators: texts in their language, and the forms in which they get them."""
