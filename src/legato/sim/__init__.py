"""The pipeline in virtual time: real chunker, worker, policy and buffer; scripted surroundings."""
