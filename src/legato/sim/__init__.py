"""The pipeline in virtual time: the real chunker, worker, policy and buffer, scripted surroundings."""
