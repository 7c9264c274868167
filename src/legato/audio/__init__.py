"""Audio out: the buffer, the gate's policy, and the outputs."""
