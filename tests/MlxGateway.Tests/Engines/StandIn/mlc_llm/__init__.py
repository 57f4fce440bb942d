"""Stands in for mlc_llm, which cannot be installed where the tests run."""
