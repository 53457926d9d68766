package dev.lockstep.world;

import java.util.Arrays;

import mpi.Intracomm;
import mpi.MPI;
import mpi.MPIException;

/**
 * Byte arrays of any size over MPJ Express: the size first, because a message longer than the receiver's buffer stops
 * MPJ for good, then chunks.
 */
final class Transfer {
    /**
     * At most so many bytes in one message. MPJ takes a direct buffer of the next power of two, header included, for
     * every message under way and never gives it back.
     */
    static final int CHUNK = (16 << 20) - 1024;

    private static final int SIZE_TAG = 0x10C0;
    private static final int DATA_TAG = 0x10C1;

    private final Intracomm ranks;
    private final int rank;
    private final int size;

    Transfer(Intracomm ranks, int rank, int size) {
        this.ranks = ranks;
        this.rank = rank;
        this.size = size;
    }

    void barrier() {
        attempt(ranks::Barrier);
    }

    void send(byte[] bytes, int to) {
        ranks.Send(new int[]{bytes.length}, 0, 1, MPI.INT, to, SIZE_TAG);
        inChunks(bytes.length, (at, length) -> ranks.Send(bytes, at, length, MPI.BYTE, to, DATA_TAG));
    }

    byte[] receive(int from) {
        int[] length = new int[1];
        attempt(() -> ranks.Recv(length, 0, 1, MPI.INT, from, SIZE_TAG));
        byte[] bytes = new byte[length[0]];
        inChunks(bytes.length, (at, count) -> ranks.Recv(bytes, at, count, MPI.BYTE, from, DATA_TAG));
        return bytes;
    }

    /** @param bytes the root's; the others' are not looked at */
    byte[] broadcast(byte[] bytes, int root) {
        int[] length = {rank == root ? bytes.length : 0};
        attempt(() -> ranks.Bcast(length, 0, 1, MPI.INT, root));
        return broadcast(bytes, length[0], root);
    }

    byte[][] allGather(byte[] mine) {
        int[] lengths = new int[size];
        ranks.Allgather(new int[]{mine.length}, 0, 1, MPI.INT, lengths, 0, 1, MPI.INT);
        byte[][] all = new byte[size][];
        long total = Arrays.stream(lengths).asLongStream().sum();
        if (total <= CHUNK) {
            int[] starts = new int[size];
            for (int from = 1; from < size; from++) {
                starts[from] = starts[from - 1] + lengths[from - 1];
            }
            byte[] together = new byte[(int) total];
            attempt(() -> ranks.Allgatherv(mine, 0, mine.length, MPI.BYTE, together, 0, lengths, starts, MPI.BYTE));
            for (int from = 0; from < size; from++) {
                all[from] = Arrays.copyOfRange(together, starts[from], starts[from] + lengths[from]);
            }
            return all;
        }
        for (int from = 0; from < size; from++) {
            all[from] = broadcast(mine, lengths[from], from);
        }
        return all;
    }

    private byte[] broadcast(byte[] bytes, int length, int root) {
        byte[] buffer = rank == root ? bytes : new byte[length];
        inChunks(length, (at, count) -> ranks.Bcast(buffer, at, count, MPI.BYTE, root));
        return buffer;
    }

    private interface Step {
        void run() throws MPIException;
    }

    private interface Chunk {
        void move(int at, int length) throws MPIException;
    }

    private void inChunks(int length, Chunk chunk) {
        // a long, because the last step may pass the largest int
        for (long at = 0; at < length; at += CHUNK) {
            int from = (int) at;
            attempt(() -> chunk.move(from, Math.min(CHUNK, length - from)));
        }
    }

    private void attempt(Step step) {
        try {
            step.run();
        } catch (MPIException e) {
            throw new IllegalStateException("rank " + rank + ": MPJ Express failed: " + e.getMessage(), e);
        }
    }
}
