package dev.lockstep.world.transport;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Bytes from rank to rank where all are threads of one JVM. A message that is longer than a sender may count on to be taken
 * at once waits for its receiver here, however little that would be needed: a program that relies on less waits in a test
 * already.
 */
public final class QueueTransport implements Transport {
    private static final class Parcel {
        final int from;
        final byte[] bytes;
        final int offset;
        final int length;
        boolean taken;

        Parcel(int from, byte[] bytes, int offset, int length) {
            this.from = from;
            this.bytes = bytes;
            this.offset = offset;
            this.length = length;
        }
    }

    /** What has been sent to one rank and not been received, by tag; whoever looks into it holds its lock. */
    private static final class Mailbox {
        final Map<Integer, Deque<Parcel>> parcels = new HashMap<>();
        boolean closed;

        /** The first that has come; null: there is none. */
        @Nullable
        Parcel take(int from, int tag) {
            Deque<Parcel> all = parcels.getOrDefault(tag, new ArrayDeque<>());
            for (Iterator<Parcel> each = all.iterator(); each.hasNext();) {
                Parcel parcel = each.next();
                if (from == ANY || parcel.from == from) {
                    each.remove();
                    if (all.isEmpty()) {
                        parcels.remove(tag);
                    }
                    return parcel;
                }
            }
            return null;
        }
    }

    private final int rank;
    private final List<Mailbox> mailboxes;

    private QueueTransport(int rank, List<Mailbox> mailboxes) {
        this.rank = rank;
        this.mailboxes = mailboxes;
    }

    /** One for each rank. */
    public static List<QueueTransport> connect(int size) {
        List<Mailbox> mailboxes = Stream.generate(Mailbox::new).limit(size).toList();
        return IntStream.range(0, size).mapToObj(rank -> new QueueTransport(rank, mailboxes)).toList();
    }

    /** From now on nothing goes to any rank or comes from one: who waits, and who comes later, gets an exception. */
    public void closeAll() {
        for (Mailbox mailbox : mailboxes) {
            synchronized (mailbox) {
                mailbox.closed = true;
                mailbox.notifyAll();
            }
        }
    }

    @Override
    public void send(byte[] bytes, int offset, int length, int to, int tag) {
        boolean waits = length > Chunk.HEADER + Chunk.INLINE;
        Parcel parcel = waits
                ? new Parcel(rank, bytes, offset, length)
                : new Parcel(rank, Arrays.copyOfRange(bytes, offset, offset + length), 0, length);
        Mailbox mailbox = mailboxes.get(to);
        synchronized (mailbox) {
            checkOpen(mailbox);
            mailbox.parcels.computeIfAbsent(tag, none -> new ArrayDeque<>()).add(parcel);
            mailbox.notifyAll();
            boolean interrupted = false;
            while (waits && !parcel.taken) {
                interrupted |= await(mailbox);
            }
            restore(interrupted);
        }
    }

    @Override
    public int receive(byte[] bytes, int offset, int length, int from, int tag) {
        Mailbox mailbox = mailboxes.get(rank);
        synchronized (mailbox) {
            checkOpen(mailbox);
            boolean interrupted = false;
            Parcel parcel;
            while ((parcel = mailbox.take(from, tag)) == null) {
                interrupted |= await(mailbox);
            }
            restore(interrupted);
            if (parcel.length > length) {
                throw new IllegalStateException("a message of " + parcel.length + " bytes has come where there is room "
                        + "for " + length);
            }
            System.arraycopy(parcel.bytes, parcel.offset, bytes, offset, parcel.length);
            parcel.taken = true;
            mailbox.notifyAll();
            return parcel.from;
        }
    }

    @Override
    public boolean isThere(int tag) {
        Mailbox mailbox = mailboxes.get(rank);
        synchronized (mailbox) {
            checkOpen(mailbox);
            return mailbox.parcels.containsKey(tag);
        }
    }

    /** @return whether the thread was interrupted, which ends no wait between processes either */
    @SuppressWarnings("WaitNotInLoop") // its callers look again
    private static boolean await(Mailbox mailbox) {
        boolean interrupted = false;
        try {
            mailbox.wait();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        checkOpen(mailbox);
        return interrupted;
    }

    private static void checkOpen(Mailbox mailbox) {
        if (mailbox.closed) {
            throw new IllegalStateException("the ranks have been ended");
        }
    }

    private static void restore(boolean interrupted) {
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return mailboxes.size();
    }

    @Override
    public void finish() {
        // nothing is left open
    }
}
