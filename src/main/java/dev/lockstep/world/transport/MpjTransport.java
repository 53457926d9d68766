package dev.lockstep.world.transport;

import java.util.Optional;

import mpi.Intracomm;
import mpi.MPI;
import mpi.MPIException;

/**
 * Bytes from rank to rank over MPJ Express, in messages whose length the receiver always knows: one that is longer than
 * the receiver's buffer stops MPJ for good.
 */
public final class MpjTransport implements Transport {
    /** Longer messages wait for their receiver; MPJ's own default. */
    public static final int EAGER = 128 << 10;

    private final Intracomm ranks;

    public MpjTransport(Intracomm ranks) {
        this.ranks = ranks;
    }

    @Override
    public void send(byte[] bytes, int offset, int length, int to, int tag) {
        attempt(() -> {
            ranks.Send(bytes, offset, length, MPI.BYTE, to, tag);
            return true;
        });
    }

    @Override
    public int receive(byte[] bytes, int offset, int length, int from, int tag) {
        int source = from == ANY ? MPI.ANY_SOURCE : from;
        return attempt(() -> ranks.Recv(bytes, offset, length, MPI.BYTE, source, tag)).source;
    }

    @Override
    public boolean isThere(int tag) {
        return attempt(() -> Optional.ofNullable(ranks.Iprobe(MPI.ANY_SOURCE, tag))).isPresent();
    }

    @Override
    public int rank() {
        return attempt(ranks::Rank);
    }

    @Override
    public int size() {
        return attempt(ranks::Size);
    }

    @Override
    public void finish() {
        attempt(() -> {
            MPI.Finalize();
            return true;
        });
    }

    private interface Step<R> {
        R run() throws MPIException;
    }

    private static <R> R attempt(Step<R> step) {
        try {
            return step.run();
        } catch (MPIException e) {
            throw new IllegalStateException("MPJ Express failed: " + e.getMessage(), e);
        }
    }
}
