"""Stands in for the package that mlc_llm computes with; it is only looked for."""
