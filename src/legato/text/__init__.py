"""Text in: chunking, markup, pronunciation."""
