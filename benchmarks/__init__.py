"""Speed, measured: `make bench` runs ours and named references in turn and prints ratios."""
