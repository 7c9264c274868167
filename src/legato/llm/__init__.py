"""Language models as text sources: who writes what the narrator says."""
