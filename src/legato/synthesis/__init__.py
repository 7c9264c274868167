"""Synthesis: engines, the process they run in, and the worker that feeds them."""
