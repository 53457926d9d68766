"""examples/Jacobi.java with mpi4py."""
import sys
import time

import numpy as np
from mpi4py import MPI


def block(n, rank, size):
    return n // size + (rank < n % size)


def exchange_edges(grid, plate):
    up, down = grid.Shift(0, 1)
    left, right = grid.Shift(1, 1)
    grid.Sendrecv(plate[1], up, 0, plate[-1], down, 0)
    grid.Sendrecv(plate[-2], down, 0, plate[0], up, 0)
    edge = plate[:, -1].copy()
    grid.Sendrecv(plate[:, 1].copy(), left, 0, edge, right, 0)
    plate[:, -1] = edge
    edge = plate[:, 0].copy()
    grid.Sendrecv(plate[:, -2].copy(), right, 0, edge, left, 0)
    plate[:, 0] = edge


def main():
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    ranks = MPI.Compute_dims(MPI.COMM_WORLD.size, 2)
    grid = MPI.COMM_WORLD.Create_cart(ranks)
    y, x = grid.coords
    plate = np.zeros((block(side, y, ranks[0]) + 2, block(side, x, ranks[1]) + 2))
    if y == 0:
        plate[0] = 100
    following = plate.copy()
    start = time.perf_counter()
    for _ in range(steps):
        exchange_edges(grid, plate)
        following[1:-1, 1:-1] = 0.25 * (plate[:-2, 1:-1] + plate[2:, 1:-1] + plate[1:-1, :-2] + plate[1:-1, 2:])
        plate, following = following, plate
    heat = grid.allreduce(plate[1:-1, 1:-1].sum())
    if grid.rank == 0:
        print(f"heat {heat:.6f} in {time.perf_counter() - start:.2f} s")


main()
