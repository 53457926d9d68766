"""What CompareCollectives.java measures, with mpi4py: prints "verb kind size microseconds" for every repeat."""
import sys
import time

from array import array
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
size = comm.Get_size()
warm, repeats, row = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def result(index):
    return {"index": index, "id": str(index), "sample": 0, "text": f"{index:>8} " + "and the earth was without form " * 2 + "and void",
            "token_ids": [(index * 7 + i * 131) % 4096 for i in range(20)], "prompt_tokens": 14, "completion_tokens": 20,
            "finish_reason": "length", "rank": rank}


def measure(verb, kind, count, call):
    if not f"{verb} {kind} {count}".startswith(row):
        return
    for i in range(warm + repeats):
        comm.Barrier()
        start = time.perf_counter()
        call()
        slowest = comm.reduce(time.perf_counter() - start, op=MPI.MAX)
        if rank == 0 and i >= warm:
            print(verb, kind, count, slowest * 1e6, flush=True)


measure("barrier", "-", 0, comm.Barrier)
for count in (1, 100, 10000):
    mine = [result(i) for i in range(count)]
    part = [mine[:count // size] for _ in range(size)]
    measure("gather", "objects", count, lambda: comm.gather(mine))
    measure("broadcast", "objects", count, lambda: comm.bcast(mine if rank == 0 else None))
    measure("scatter", "objects", count, lambda: comm.scatter(part if rank == 0 else None))
    measure("allGather", "objects", count, lambda: comm.allgather(mine))
    measure("allToAll", "objects", count, lambda: comm.alltoall(part))
    measure("reduce", "objects", count, lambda: comm.reduce(mine, op=lambda a, b: a))
    measure("allReduce", "objects", count, lambda: comm.allreduce(mine, op=lambda a, b: a))
for count in (256, 262144, 4194304):
    mine = array("f", bytes(4 * count))
    all_ = array("f", bytes(4 * count * size))
    same = array("f", bytes(4 * count))
    part = array("f", bytes(4 * (count // size)))
    measure("gather", "floats", count, lambda: comm.Gather(mine, all_ if rank == 0 else None))
    measure("broadcast", "floats", count, lambda: comm.Bcast(mine))
    measure("scatter", "floats", count, lambda: comm.Scatter(mine if rank == 0 else None, part))
    measure("allGather", "floats", count, lambda: comm.Allgather(mine, all_))
    measure("allToAll", "floats", count, lambda: comm.Alltoall(mine, same))
    measure("reduce", "floats", count, lambda: comm.Reduce(mine, same if rank == 0 else None, op=MPI.SUM))
    measure("allReduce", "floats", count, lambda: comm.Allreduce(mine, same, op=MPI.SUM))
