package dev.lockstep.world;

import java.nio.ByteBuffer;
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
    /** Two for each tag of a program's own messages. */
    private static final int USER_TAGS = 1 << 17;

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
        send(bytes, to, SIZE_TAG, DATA_TAG);
    }

    byte[] receive(int from) {
        return receive(from, SIZE_TAG, DATA_TAG);
    }

    /** A program's own message, which may be under way beside a collective's. */
    void send(byte[] bytes, int to, int tag) {
        send(bytes, to, USER_TAGS + 2 * tag, USER_TAGS + 2 * tag + 1);
    }

    byte[] receive(int from, int tag) {
        return receive(from, USER_TAGS + 2 * tag, USER_TAGS + 2 * tag + 1);
    }

    private void send(byte[] bytes, int to, int sizeTag, int dataTag) {
        attempt(() -> ranks.Send(new int[]{bytes.length}, 0, 1, MPI.INT, to, sizeTag));
        inChunks(bytes.length, (at, length) -> ranks.Send(bytes, at, length, MPI.BYTE, to, dataTag));
    }

    private byte[] receive(int from, int sizeTag, int dataTag) {
        int[] length = new int[1];
        attempt(() -> ranks.Recv(length, 0, 1, MPI.INT, from, sizeTag));
        byte[] bytes = new byte[length[0]];
        inChunks(bytes.length, (at, count) -> ranks.Recv(bytes, at, count, MPI.BYTE, from, dataTag));
        return bytes;
    }

    /** @param bytes the root's; the others' are not looked at */
    byte[] broadcast(byte[] bytes, int root) {
        int[] length = {rank == root ? bytes.length : 0};
        attempt(() -> ranks.Bcast(length, 0, 1, MPI.INT, root));
        return broadcast(bytes, length[0], root);
    }

    /** By way of rank 0: MPJ's own Allgather of the sizes alone takes as long as all of this. */
    byte[][] allGather(byte[] mine) {
        byte[][] all = new byte[size][];
        all[rank] = mine;
        if (rank == 0) {
            for (int from = 1; from < size; from++) {
                all[from] = receive(from);
            }
        } else {
            send(mine, 0);
        }
        int[] lengths = new int[size];
        if (rank == 0) {
            Arrays.setAll(lengths, from -> all[from].length);
        }
        attempt(() -> ranks.Bcast(lengths, 0, size, MPI.INT, 0));
        if (Arrays.stream(lengths).asLongStream().sum() > CHUNK) {
            for (int from = 0; from < size; from++) {
                all[from] = broadcast(all[from], lengths[from], 0);
            }
            return all;
        }
        int total = Arrays.stream(lengths).sum();
        ByteBuffer together = ByteBuffer.allocate(total);
        if (rank == 0) {
            Arrays.stream(all).forEach(together::put);
        }
        ByteBuffer received = ByteBuffer.wrap(broadcast(together.array(), total, 0));
        for (int from = 0; from < size; from++) {
            all[from] = new byte[lengths[from]];
            received.get(all[from]);
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
