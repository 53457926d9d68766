"""examples/KMeans.java with mpi4py."""
import sys
import time

import numpy as np
from mpi4py import MPI

CENTRES = 32
AXES = 16


def block(n, rank, size):
    each, more = divmod(n, size)
    return rank * each + min(rank, more), each + (rank < more)


def random(seeds, n):
    z = seeds.astype(np.uint64)[:, None] + np.arange(1, n + 1, dtype=np.uint64) * 0x9E3779B97F4A7C15
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
    z = (z ^ z >> 27) * 0x94D049BB133111EB
    return ((z ^ z >> 31) >> 11) * 2.0**-53


def main():
    comm = MPI.COMM_WORLD
    first, points = block(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, comm.rank, comm.size)
    mine = random(np.arange(first, first + points), AXES)
    squares = (mine**2).sum(axis=1)
    start = time.perf_counter()
    centres = mine[:CENTRES].copy()
    comm.Bcast(centres)
    for _ in range(20):
        distances = (centres**2).sum(axis=1) - 2 * mine @ centres.T
        nearest = distances.argmin(axis=1)
        sums = np.empty((CENTRES, AXES + 1))
        for d in range(AXES):
            sums[:, d] = np.bincount(nearest, mine[:, d], CENTRES)
        sums[:, -1] = np.bincount(nearest, minlength=CENTRES)
        comm.Allreduce(MPI.IN_PLACE, sums)
        error = comm.allreduce((squares + distances.min(axis=1)).sum())
        centres = sums[:, :-1] / np.maximum(1, sums[:, -1:])
    if comm.rank == 0:
        print(f"error {error:.6f} in {time.perf_counter() - start:.2f} s")


main()
