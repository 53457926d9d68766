package dev.lockstep.world;

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

    void barrier() throws MPIException {
        ranks.Barrier();
    }

    void send(byte[] bytes, int to) throws MPIException {
        ranks.Send(new int[]{bytes.length}, 0, 1, MPI.INT, to, SIZE_TAG);
        for (int at = 0; at < bytes.length; at += CHUNK) {
            ranks.Send(bytes, at, Math.min(CHUNK, bytes.length - at), MPI.BYTE, to, DATA_TAG);
        }
    }

    byte[] receive(int from) throws MPIException {
        int[] length = new int[1];
        ranks.Recv(length, 0, 1, MPI.INT, from, SIZE_TAG);
        byte[] bytes = new byte[length[0]];
        for (int at = 0; at < bytes.length; at += CHUNK) {
            ranks.Recv(bytes, at, Math.min(CHUNK, bytes.length - at), MPI.BYTE, from, DATA_TAG);
        }
        return bytes;
    }

    /** @param bytes the root's; the others' are not looked at */
    byte[] broadcast(byte[] bytes, int root) throws MPIException {
        int[] length = {rank == root ? bytes.length : 0};
        ranks.Bcast(length, 0, 1, MPI.INT, root);
        return broadcast(bytes, length[0], root);
    }

    byte[][] allGather(byte[] mine) throws MPIException {
        int[] lengths = new int[size];
        ranks.Allgather(new int[]{mine.length}, 0, 1, MPI.INT, lengths, 0, 1, MPI.INT);
        byte[][] all = new byte[size][];
        for (int from = 0; from < size; from++) {
            all[from] = broadcast(mine, lengths[from], from);
        }
        return all;
    }

    private byte[] broadcast(byte[] bytes, int length, int root) throws MPIException {
        byte[] buffer = rank == root ? bytes : new byte[length];
        for (int at = 0; at < length; at += CHUNK) {
            ranks.Bcast(buffer, at, Math.min(CHUNK, length - at), MPI.BYTE, root);
        }
        return buffer;
    }
}
