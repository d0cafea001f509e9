"""Helpers that tests share; written like product code."""
