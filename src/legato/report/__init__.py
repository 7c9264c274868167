"""A run's trace read back, analysed, drawn and written as one page."""
