"""What `legato bench` runs."""
