"""placeholder"""
def run_rivals(sink, seconds): return []
