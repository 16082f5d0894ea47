"""Tests: unit, property, golden and scenarios need nothing; the others run against the real embedded servers."""
