"""Sgd.java with mpi4py."""
import sys
import time

import numpy as np
from mpi4py import MPI

BATCH = 16
RATE = 2e-4
ROWS = 256


def random(seeds, n):
    z = seeds.astype(np.uint64)[:, None] + np.arange(1, n + 1, dtype=np.uint64) * 0x9E3779B97F4A7C15
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
    z = (z ^ z >> 27) * 0x94D049BB133111EB
    return ((z ^ z >> 31) >> 11) * 2.0**-53


def main():
    comm = MPI.COMM_WORLD
    weights = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    rows = random(np.arange(comm.rank * ROWS, (comm.rank + 1) * ROWS), weights) - 0.5
    wanted = rows[:, ::2].sum(axis=1) - rows[:, 1::2].sum(axis=1)
    comm.Barrier()
    start = time.perf_counter()
    model = np.zeros(weights)
    gradient = np.empty(weights)
    for step in range(steps):
        first = step * BATCH % ROWS
        batch = rows[first:first + BATCH]
        errors = batch @ model - wanted[first:first + BATCH]
        comm.Allreduce(errors @ batch, gradient)
        model -= RATE / comm.size * gradient
    loss = comm.allreduce((errors**2).sum())
    if comm.rank == 0:
        print(f"loss {loss:.6f} in {time.perf_counter() - start:.2f} s")


main()
