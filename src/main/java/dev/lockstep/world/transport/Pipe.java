package dev.lockstep.world.transport;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Through which one rank sends long messages to others of its host: some pieces of shared memory, which it fills in turn and
 * the receiver empties. For one message at a time: whoever finds it taken, or not emptied yet, sends in another way, so that
 * no message holds up another.
 */
public final class Pipe {
    static final int PIECES = 8;
    /** Two counts and two words of who sleeps, each on lines of its own. */
    static final int CONTROL = 4 * SharedMemory.APART;
    private static final int READ = SharedMemory.APART;
    private static final int READER_SLEEPS = 2 * SharedMemory.APART;
    private static final int WRITER_SLEEPS = 3 * SharedMemory.APART;

    private static final int WAKE_READER = 3;
    private static final int WAKE_WRITER = 4;

    private final Transport transport;
    private final int owner;
    private final ByteBuffer control;
    private final ByteBuffer[] pieces = new ByteBuffer[PIECES];
    private final AtomicBoolean taken = new AtomicBoolean();

    /** @param owner the rank that writes */
    Pipe(Transport transport, int owner, ByteBuffer control, ByteBuffer room) {
        this.transport = transport;
        this.owner = owner;
        this.control = control;
        int length = room.capacity() / PIECES;
        for (int i = 0; i < PIECES; i++) {
            pieces[i] = room.slice(i * length, length).order(room.order());
        }
    }

    /** Bytes that go in at once. */
    public int pieceLength() {
        return pieces[0].capacity();
    }

    /** Whether its owner has it for a message now, which ends with {@link #release}. */
    public boolean take() {
        if (!taken.compareAndSet(false, true)) {
            return false;
        }
        if (count(READ) == count(0)) {
            return true;
        }
        taken.set(false);
        return false;
    }

    public void release() {
        taken.set(false);
    }

    /** The number of the piece that is written next. */
    public long next() {
        return count(0);
    }

    /** Where the owner writes the next piece, once it is free. */
    public ByteBuffer toWrite(int reader) {
        long number = next();
        await(READ, number - PIECES + 1, WRITER_SLEEPS, reader, WAKE_WRITER);
        return piece(number);
    }

    /** The next piece is there. */
    public void written(int reader) {
        count(0, next() + 1, READER_SLEEPS, reader, WAKE_READER);
    }

    /** A piece, once it is there. */
    public ByteBuffer toRead(long number) {
        await(0, number + 1, READER_SLEEPS, owner, WAKE_READER);
        return piece(number);
    }

    /** It may be written again. */
    public void read(long number) {
        count(READ, number + 1, WRITER_SLEEPS, owner, WAKE_WRITER);
    }

    private ByteBuffer piece(long number) {
        return pieces[(int) (number % PIECES)];
    }

    private long count(int at) {
        return (long) SharedMemory.LONGS.getAcquire(control, at);
    }

    private void count(int at, long value, int sleeps, int other, int tag) {
        SharedMemory.LONGS.setVolatile(control, at, value);
        if ((int) SharedMemory.INTS.getVolatile(control, sleeps) == 1
                && SharedMemory.INTS.compareAndSet(control, sleeps, 1, 0)) {
            transport.send(new byte[1], 0, 1, other, tag);
        }
    }

    private void await(int at, long value, int sleeps, int other, int tag) {
        for (int tries = 0; count(at) < value; tries++) {
            if (tries < SharedMemory.YIELDS) {
                SharedMemory.yieldProcessor();
                continue;
            }
            SharedMemory.INTS.setVolatile(control, sleeps, 1);
            // whoever has taken the word sends a message, which must not be met by the next sleep
            if (count(at) < value || !SharedMemory.INTS.compareAndSet(control, sleeps, 1, 0)) {
                int unused = transport.receive(new byte[Chunk.HEADER], 0, Chunk.HEADER, other, tag);
            }
            tries = 0;
        }
    }
}
