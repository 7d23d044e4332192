# Tests, lint and benchmarks.
