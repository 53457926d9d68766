"""examples/SampleSort.java with mpi4py."""
import sys
import time

import numpy as np
from mpi4py import MPI

SAMPLES = 100


def block(n, rank, size):
    each, more = divmod(n, size)
    return rank * each + min(rank, more), each + (rank < more)


def random(seeds):
    z = seeds.astype(np.uint64) + 0x9E3779B97F4A7C15
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
    z = (z ^ z >> 27) * 0x94D049BB133111EB
    return (z ^ z >> 31).view(np.int64)


def main():
    comm = MPI.COMM_WORLD
    first, n = block(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000, comm.rank, comm.size)
    numbers = random(np.arange(first, first + n))
    comm.Barrier()
    start = time.perf_counter()

    numbers.sort()
    samples = numbers[np.arange(SAMPLES) * n // SAMPLES]
    every = np.empty(SAMPLES * comm.size, dtype=np.int64)
    comm.Allgather(samples, every)
    every.sort()
    places = np.searchsorted(numbers, every[SAMPLES::SAMPLES])
    counts = np.diff(places, prepend=0, append=n)
    theirs = np.empty_like(counts)
    comm.Alltoall(counts, theirs)
    ordered = np.empty(theirs.sum(), dtype=np.int64)
    comm.Alltoallv((numbers, counts), (ordered, theirs))
    ordered.sort(kind="stable")

    before = comm.exscan(len(ordered)) or 0
    check = np.array([(np.arange(before, before + len(ordered)) * ordered).sum()])
    total = np.empty_like(check)
    comm.Allreduce(check, total)
    if comm.rank == 0:
        print(f"sorted {total[0]} in {time.perf_counter() - start:.2f} s")


main()
