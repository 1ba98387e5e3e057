"""The benchmark: how fast, how large, how many. `make bench` runs it; docs/performance.md tells.

Each question stands in a module of its own with a function `measure(places, size)`, and is asked in
a process of its own, so that none feels what another has left in memory. To add one, write the
module and name it in `sizes.QUESTIONS`.
"""
