"""What CompareCollectives.java measures, with mpi4py: prints "verb kind size phase microseconds", for the first calls and once warm."""
import sys
import time

from array import array
from mpi4py import MPI

COLD = 10
comm = MPI.COMM_WORLD
rank = comm.Get_rank()
size = comm.Get_size()
most, row = int(sys.argv[1]), sys.argv[2]
other = rank ^ 1


def result(index):
    return {"index": index, "id": str(index), "sample": 0, "text": f"{index:>8} " + "and the earth was without form " * 2 + "and void",
            "token_ids": [(index * 7 + i * 131) % 4096 for i in range(20)], "prompt_tokens": 14, "completion_tokens": 20,
            "finish_reason": "length", "rank": rank}


def warm(volume):
    return max(20, min(most, 200_000_000 // max(1, volume)))


def rate(times):
    """Of every call the slowest rank; the median of them."""
    times = array("d", times)
    slowest = array("d", bytes(8 * len(times)))
    comm.Allreduce(times, slowest, op=MPI.MAX)
    return sorted(slowest)[len(slowest) // 2] * 1e6


def measure(verb, kind, count, volume, call, ways=1):
    if not f"{verb} {kind} {count}".startswith(row):
        return
    def timed(calls):
        times = []
        for _ in range(calls):
            comm.Barrier()
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) / ways)
        return times
    cold = rate(timed(COLD))
    for _ in range(warm(volume) - COLD):
        call()
    hot = rate(timed(max(10, warm(volume) // 10)))
    if rank == 0:
        print(verb, kind, count, "cold", cold, flush=True)
        print(verb, kind, count, "warm", hot, flush=True)


def objects(count):
    mine = [result(i) for i in range(count)]
    part = [mine[:max(1, count // size)] for _ in range(size)]
    volume = count * 2000
    if size == 2:
        def there_and_back():
            if rank == 0:
                comm.send(mine, other)
                comm.recv(source=other)
            else:
                comm.recv(source=other)
                comm.send(mine, other)
        measure("send", "objects", count, volume, there_and_back, 2)
        return
    measure("gather", "objects", count, volume, lambda: comm.gather(mine))
    measure("broadcast", "objects", count, volume, lambda: comm.bcast(mine if rank == 0 else None))
    measure("scatter", "objects", count, volume, lambda: comm.scatter(part if rank == 0 else None))
    measure("allGather", "objects", count, volume, lambda: comm.allgather(mine))
    measure("allToAll", "objects", count, volume, lambda: comm.alltoall(part))
    measure("reduce", "objects", count, volume, lambda: comm.reduce(mine, op=lambda a, b: a))
    measure("allReduce", "objects", count, volume, lambda: comm.allreduce(mine, op=lambda a, b: a))
    measure("scan", "objects", count, volume, lambda: comm.scan(mine, op=lambda a, b: a))


def floats(count):
    def zeros(n):
        return array("f", bytes(4 * n))
    mine, volume = zeros(count), 4 * count
    if size == 2:
        same = zeros(count)
        def there_and_back():
            if rank == 0:
                comm.Send(mine, other)
                comm.Recv(same, other)
            else:
                comm.Recv(same, other)
                comm.Send(mine, other)
        measure("send", "floats", count, volume, there_and_back, 2)
        return
    all_, same, part = zeros(count * size), zeros(count), zeros(count // size)
    measure("broadcast", "floats", count, volume, lambda: comm.Bcast(mine))
    measure("scatter", "floats", count, volume, lambda: comm.Scatter(mine if rank == 0 else None, part))
    measure("gather", "floats", count, volume, lambda: comm.Gather(mine, all_ if rank == 0 else None))
    measure("allGather", "floats", count, volume, lambda: comm.Allgather(mine, all_))
    measure("allToAll", "floats", count, volume, lambda: comm.Alltoall(mine, same))
    measure("reduce", "floats", count, volume, lambda: comm.Reduce(mine, same if rank == 0 else None, op=MPI.SUM))
    measure("allReduce", "floats", count, volume, lambda: comm.Allreduce(mine, same, op=MPI.SUM))
    measure("reduceScatter", "floats", count, volume, lambda: comm.Reduce_scatter_block(mine, part, op=MPI.SUM))
    measure("scan", "floats", count, volume, lambda: comm.Scan(mine, same, op=MPI.SUM))


if size > 2:
    measure("barrier", "-", 0, 0, comm.Barrier)
for count in (1, 100, 10000):
    objects(count)
for count in (2, 256, 262144, 4194304):
    if count > 2 or size == 2:
        floats(count)
