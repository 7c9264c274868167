"""Text in as it is written, continuous speech out, without a gap."""
