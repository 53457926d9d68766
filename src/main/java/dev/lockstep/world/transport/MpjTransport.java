package dev.lockstep.world.transport;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

import mpi.Intracomm;
import mpi.MPI;
import mpi.MPIException;
import mpjbuf.Buffer;
import mpjbuf.BufferException;
import mpjbuf.NIOBuffer;
import mpjbuf.Type;
import mpjdev.MPJDevException;
import mpjdev.Status;
import mpjdev.javampjdev.MPJDev;

import dev.lockstep.wire.Message;

/**
 * Bytes from rank to rank over MPJ Express, in messages whose length the receiver always knows: one that is longer than
 * the receiver's buffer stops MPJ for good.
 */
public final class MpjTransport implements Transport {
    /** Longer messages wait for their receiver; MPJ's own default. */
    public static final int EAGER = 128 << 10;

    /** What most messages are no longer than goes through memory that a thread keeps, not through MPJ's pool. */
    private static final int SHORT = Chunk.HEADER + Chunk.INLINE;

    private final Intracomm ranks;
    private final int reused;
    private final ThreadLocal<Buffer> out = ThreadLocal.withInitial(() -> buffer(MPJDev.getSendOverhead()));
    private final ThreadLocal<Buffer> in = ThreadLocal.withInitial(() -> buffer(MPJDev.getRecvOverhead()));

    /** @param keeps whether the device leaves a buffer as it was given; niodev wants those of MPJ's pool */
    public MpjTransport(Intracomm ranks, boolean keeps) {
        this.ranks = ranks;
        this.reused = keeps ? SHORT : -1;
    }

    /** @param overhead bytes that the device wants before a message */
    private static Buffer buffer(int overhead) {
        int length = overhead + Buffer.SECTION_OVERHEAD + SHORT;
        return new Buffer(new NIOBuffer(length, ByteBuffer.allocateDirect(length).order(ByteOrder.nativeOrder())),
                overhead, length);
    }

    @Override
    public void send(byte[] bytes, int offset, int length, int to, int tag) {
        if (length <= reused) {
            Buffer buffer = out.get();
            try {
                buffer.clear();
                buffer.putSectionHeader(Type.BYTE);
                buffer.write(bytes, offset, length);
                buffer.commit();
                ranks.mpjdevComm.send(buffer, to, tag, true);
            } catch (BufferException | MPJDevException e) {
                throw failed(e);
            }
            return;
        }
        attempt(() -> {
            ranks.Send(bytes, offset, length, MPI.BYTE, to, tag);
            return true;
        });
    }

    @Override
    public int receive(byte[] bytes, int offset, int length, int from, int tag) {
        int source = from == ANY ? MPI.ANY_SOURCE : from;
        if (length <= reused) {
            Buffer buffer = in.get();
            try {
                buffer.clear();
                Status status = ranks.mpjdevComm.recv(buffer, source, tag, true);
                buffer.commit();
                Type unusedType = buffer.getSectionHeader();
                buffer.read(bytes, offset, buffer.getSectionSize());
                return status.source;
            } catch (BufferException | MPJDevException e) {
                throw failed(e);
            }
        }
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
            throw failed(e);
        }
    }

    private static IllegalStateException failed(Exception e) {
        return new IllegalStateException(Message.Failure.OF_MESSAGES + e.getMessage(), e);
    }
}
