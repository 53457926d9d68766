package dev.lockstep.world.transport;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;

import org.jspecify.annotations.Nullable;

/**
 * Memory that the ranks of a host share: for each a count of how far it has come, which only it moves, what it is doing,
 * and two slots that it writes and all read. Ranks are numbered from 0 within the host here. Whoever waits for a count
 * yields the processor a while, then sleeps until a message of the rank that it waits for comes. The file behind it has no
 * name, so nothing is left of it whatever becomes of the ranks. For one thread of a rank at a time.
 */
public final class SharedMemory {
    /** Where there is memory that looks like files. */
    private static final Path PLACE = Path.of("/dev/shm");
    private static final int SLOTS = 2;
    /** A slot that processors' caches hold. */
    private static final int LARGEST_SLOT = 256 << 10;
    /** Of all slots together: containers often have 64 MiB of such memory. */
    private static final int ALL_SLOTS = 16 << 20;
    /** What goes through a pipe at once. */
    private static final int LARGEST_PIECE = 64 << 10;
    /** Of all pipes together. */
    private static final int ALL_PIPES = 8 << 20;
    private static final int PAGE = 4096;
    /** So much is made by one process after another job of its threads before what those have left is collected. */
    private static final int MOST_LEFT = 8 << 20;
    private static final int TRIES = 6;
    /** With more there would be little room for each. */
    private static final int MOST_RANKS = 256;
    /** A line of a processor's cache, twice, since they are fetched in pairs. */
    static final int APART = 128;
    static final int YIELDS = 100;

    private static final int OPENING = 1;
    private static final int WAKE = 2;

    static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    static final VarHandle INTS = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    /** In bytes, since the last collection. */
    private static final AtomicLong MADE = new AtomicLong();

    private final Transport transport;
    private final Placement placement;
    private final int[] ranks; // of the job, those of this host
    private final int rank;
    private final int size;
    private final ByteBuffer all;
    private final ByteBuffer[][] slots;
    private final Pipe[] pipes;
    private final byte[] wake = new byte[Chunk.HEADER];

    private SharedMemory(Transport transport, Placement placement, ByteBuffer all) {
        this.transport = transport;
        this.placement = placement;
        this.ranks = placement.here();
        this.rank = placement.indexHere(placement.self());
        this.size = ranks.length;
        this.all = all;
        this.slots = new ByteBuffer[SLOTS][size];
        this.pipes = new Pipe[size];
        int length = slotLength(size);
        for (int slot = 0; slot < SLOTS; slot++) {
            for (int of = 0; of < size; of++) {
                slots[slot][of] = all.slice(controls(size) + (slot * size + of) * length, length)
                        .order(ByteOrder.nativeOrder());
            }
        }
        for (int of = 0; of < size; of++) {
            int at = controls(size) + SLOTS * size * length + of * pipeLength(size);
            pipes[of] = new Pipe(transport, ranks[of], all.slice(at, Pipe.CONTROL).order(ByteOrder.nativeOrder()),
                    all.slice(at + PAGE, pipeLength(size) - PAGE).order(ByteOrder.nativeOrder()));
        }
    }

    /** Says whether a rank that has not come as far as this one waits has gone elsewhere. */
    public interface Watch {
        /**
         * @param rank  it, of those of this host
         * @param doing what it is in
         * @throws IllegalStateException when it will not come
         */
        void look(int rank, long doing);
    }

    /**
     * Called by all ranks at once.
     *
     * @return empty on all of them if one cannot have it, or if no two ranks are on one host
     */
    public static Optional<SharedMemory> open(Transport transport, Placement placement) {
        if (placement.isAlone()) {
            return Optional.empty();
        }
        int[] ranks = placement.here();
        int leader = ranks[0];
        UnnamedFile file = null;
        byte[] name = new byte[PAGE];
        try {
            ByteBuffer all = null;
            if (ranks.length == 1) {
                all = ByteBuffer.allocateDirect(length(1));
            } else if (ranks.length <= MOST_RANKS) {
                if (transport.rank() == leader) {
                    file = create(length(ranks.length));
                    byte[] text = file == null ? new byte[0] : file.name().getBytes(StandardCharsets.UTF_8);
                    System.arraycopy(text, 0, name, 0, text.length);
                    for (int i = 1; i < ranks.length; i++) {
                        transport.send(name, 0, text.length, ranks[i], OPENING);
                    }
                } else {
                    int unused = transport.receive(name, 0, name.length, leader, OPENING);
                }
                all = map(new String(name, StandardCharsets.UTF_8).replaceFirst("\0.*", ""), length(ranks.length));
            }
            long[] have = Placement.all(transport, all == null ? 0 : 1);
            boolean by = LongStream.of(have).allMatch(each -> each == 1);
            return by && all != null ? Optional.of(new SharedMemory(transport, placement, all)) : Optional.empty();
        } finally {
            close(file);
        }
    }

    /**
     * What is mapped is given back when nothing refers to it any more and that has been noticed. A process whose ranks are
     * threads runs one job after the other, and there may be little of such memory.
     */
    private static @Nullable UnnamedFile create(int length) {
        boolean isFirst = MADE.get() == 0;
        if (MADE.addAndGet(length) > MOST_LEFT + length) {
            collect(length);
        }
        UnnamedFile file = write(length);
        for (int tries = 1; file == null && !isFirst && tries < TRIES; tries++) {
            collect(length);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10L << tries));
            file = write(length);
        }
        return file;
    }

    private static void collect(int length) {
        MADE.set(length);
        System.gc();
    }

    /** What is not written beforehand may not be there when it is touched, and then the process ends. */
    private static @Nullable UnnamedFile write(int length) {
        UnnamedFile file = null;
        try {
            UnnamedFile.removeLeft(PLACE);
            file = UnnamedFile.create(PLACE);
            ByteBuffer zeros = ByteBuffer.allocateDirect(64 << 10);
            for (int at = 0; at < length;) {
                at += file.channel().write(zeros.clear().limit(Math.min(zeros.capacity(), length - at)), at);
            }
            return file;
        } catch (IOException | UnsupportedOperationException e) {
            close(file);
            return null;
        }
    }

    private static void close(@Nullable UnnamedFile file) {
        try {
            if (file != null) {
                file.channel().close();
            }
        } catch (IOException e) {
            // what is mapped stays
        }
    }

    private static @Nullable ByteBuffer map(String name, int length) {
        if (name.isEmpty()) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(Path.of(name),
                Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE))) {
            return channel.size() < length ? null : channel.map(FileChannel.MapMode.READ_WRITE, 0, length);
        } catch (IOException e) {
            return null;
        }
    }

    private static int slotLength(int size) {
        return Math.max(PAGE, Math.min(LARGEST_SLOT, ALL_SLOTS / SLOTS / size / PAGE * PAGE));
    }

    private static int controls(int size) {
        return (size * (2 * APART + Integer.BYTES) + PAGE - 1) / PAGE * PAGE;
    }

    private static int length(int size) {
        return controls(size) + size * (SLOTS * slotLength(size) + pipeLength(size));
    }

    /** With a page before it for its counts. */
    private static int pipeLength(int size) {
        return PAGE + Pipe.PIECES * Math.min(LARGEST_PIECE, ALL_PIPES / Pipe.PIECES / size / PAGE * PAGE);
    }

    /** Which ranks are where. */
    public Placement placement() {
        return placement;
    }

    /** Through which a rank of the job sends that is on this host. */
    public Pipe pipe(int ofWorld) {
        return pipes[placement.indexHere(ofWorld)];
    }

    /** In bytes. */
    public int slotLength() {
        return slotLength(size);
    }

    /** One of a rank's two slots, in the machine's order of bytes. */
    public ByteBuffer slot(int of, int which) {
        return slots[which][of];
    }

    /**
     * Tells what this rank is in, to those who wait for it too.
     *
     * @param doing grows
     */
    public void enter(long doing) {
        LONGS.setVolatile(all, rank * 2 * APART + APART, doing);
        wakeThoseWhoWait();
    }

    /** This rank has come so far, and what it has written before is there for others. */
    public void arrive(long count) {
        LONGS.setVolatile(all, rank * 2 * APART, count);
        wakeThoseWhoWait();
    }

    private boolean hasArrived(int who, long count) {
        return (long) LONGS.getAcquire(all, who * 2 * APART) >= count;
    }

    private void wakeThoseWhoWait() {
        for (int who = 0; who < size; who++) {
            int at = waitsFor(who);
            if ((int) INTS.getVolatile(all, at) == rank + 1 && INTS.compareAndSet(all, at, rank + 1, 0)) {
                transport.send(wake, 0, 1, ranks[who], WAKE);
            }
        }
    }

    /** Where a rank that sleeps says for whom: 1 more than the rank, 0 for nobody. */
    private int waitsFor(int who) {
        return size * 2 * APART + who * Integer.BYTES;
    }

    /** Waits until a rank has come so far. */
    public void await(int who, long count, Watch watch) {
        int yields = 0;
        while (!hasArrived(who, count)) {
            long doing = (long) LONGS.getVolatile(all, who * 2 * APART + APART);
            if (hasArrived(who, count)) {
                return;
            }
            watch.look(who, doing);
            if (++yields <= YIELDS) {
                yieldProcessor();
            } else {
                sleep(who, count, doing);
                yields = 0;
            }
        }
    }

    /** Until that rank arrives or does something else than it did. */
    private void sleep(int who, long count, long doing) {
        INTS.setVolatile(all, waitsFor(rank), who + 1);
        boolean came = hasArrived(who, count) || (long) LONGS.getVolatile(all, who * 2 * APART + APART) != doing;
        // whoever has taken the word sends a message, which must not be met by the next sleep
        if (!came || !INTS.compareAndSet(all, waitsFor(rank), who + 1, 0)) {
            int unused = transport.receive(wake, 0, wake.length, ranks[who], WAKE);
        }
    }

    /** Waits until all ranks have come so far. */
    public void awaitAll(long count, Watch watch) {
        for (int i = 1; i < size; i++) {
            await((rank + i) % size, count, watch);
        }
    }

    /** Lets another rank run, if one wants to. */
    @SuppressWarnings("ThreadPriorityCheck")
    static void yieldProcessor() {
        Thread.yield();
    }
}
