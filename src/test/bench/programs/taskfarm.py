"""TaskFarm.java with mpi4py."""
import sys
import time

import numpy as np
from mpi4py import MPI

TASK, RESULT = 1, 2
comm = MPI.COMM_WORLD


def area(task):
    begin, end, points = task
    width = (end - begin) / points
    x = begin + (np.arange(points) + 0.5) * width
    return (4 / (1 + x * x)).sum() * width


def deal(tasks):
    results = [None] * len(tasks)
    dealt = 0
    status = MPI.Status()
    for worker in range(1, comm.size):
        comm.send((dealt, tasks[dealt]), worker, TASK)
        dealt += 1
    for _ in tasks:
        number, result = comm.recv(source=MPI.ANY_SOURCE, tag=RESULT, status=status)
        results[number] = result
        if dealt < len(tasks):
            comm.send((dealt, tasks[dealt]), status.source, TASK)
            dealt += 1
        else:
            comm.send(None, status.source, TASK)
    return results


def work():
    while (task := comm.recv(source=0, tag=TASK)) is not None:
        comm.send((task[0], area(task[1])), 0, RESULT)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    tasks = [(i / n, (i + 1) / n, 100 + i % 10 * 100) for i in range(n)]
    comm.Barrier()
    start = time.perf_counter()
    if comm.rank == 0:
        results = deal(tasks)
        print(f"area {sum(results):.12f} in {time.perf_counter() - start:.2f} s")
    else:
        work()


main()
