"""The supervisor behind bin/start: checks the machine, starts every process of Timbre, keeps them running.

It knows no Django and imports nothing but the standard library, so that it starts at once and outlives whatever
the processes below it do. `processes.py` is the table of what runs; `run.py` is its life from start to stop.
"""
