package dev.lockstep.world.verbs;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/**
 * Messages to one rank of a group that have begun to arrive, and those who wait for them: MPI's matching. What is waited for
 * is met in the order in which it was asked for, by messages in the order in which they came; those of one sender come in
 * the order in which they were sent.
 *
 * <p>
 * Of a message only its first part is here. One of those who wait is at the transport, and gives the others what is theirs.
 */
final class Inbox {
    /** Stands for every rank or tag. */
    static final int ANY = -1;

    /** Where first parts come from. */
    interface Source {
        /** Waits for the next one. */
        Mail.Letter next();

        /** Whether {@link #next} would not wait. */
        boolean isThere();
    }

    /** What somebody asks for. */
    static final class Wanted {
        private final int from;
        private final int tag;
        private final boolean taken;
        private Mail.@Nullable Letter found; // guarded by the inbox

        private Wanted(int from, int tag, boolean taken) {
            this.from = from;
            this.tag = tag;
            this.taken = taken;
        }

        private boolean isMetBy(Mail.Letter letter) {
            return (from == ANY || from == letter.from()) && (tag == ANY || tag == letter.tag());
        }
    }

    private final Source source;
    private final List<Mail.Letter> arrived = new ArrayList<>();
    private final List<Wanted> wanted = new ArrayList<>();
    private boolean awaited; // a thread is at the source

    Inbox(Source source) {
        this.source = source;
    }

    /**
     * Asks for a message.
     *
     * @param taken whether it is the asker's then; otherwise it stays for those who ask after
     */
    synchronized Wanted ask(int from, int tag, boolean taken) {
        Wanted one = new Wanted(from, tag, taken);
        one.found = here(one);
        if (one.found == null) {
            wanted.add(one);
        }
        return one;
    }

    /** The message, if it is here. */
    synchronized Mail.@Nullable Letter found(Wanted one) {
        return one.found;
    }

    /** Waits for the message. */
    Mail.Letter await(Wanted one) {
        for (Mail.Letter found; true;) {
            synchronized (this) {
                boolean interrupted = false;
                while ((found = one.found) == null && awaited) {
                    interrupted |= pause(0);
                }
                restore(interrupted);
                if (found != null) {
                    return found;
                }
                awaited = true;
            }
            fetch();
        }
    }

    /**
     * Waits for the message for a while.
     *
     * @param threads run what goes on waiting at the source, which nothing can call back
     * @return empty when it has not come; then it is not asked for any more
     */
    synchronized Optional<Mail.Letter> await(Wanted one, long nanos, Executor threads) {
        long end = System.nanoTime() + nanos;
        boolean interrupted = false;
        for (long left = nanos; one.found == null && left > 0; left = end - System.nanoTime()) {
            if (!awaited) {
                awaited = true;
                threads.execute(this::fetch);
            }
            interrupted |= pause(TimeUnit.NANOSECONDS.toMillis(left) + 1);
        }
        restore(interrupted);
        wanted.remove(one);
        return Optional.ofNullable(one.found);
    }

    /** A message that is here and that nobody has asked for; it stays. */
    Optional<Mail.Letter> look(int from, int tag) {
        Wanted one = new Wanted(from, tag, false);
        while (true) {
            synchronized (this) {
                Mail.Letter found = here(one);
                if (found != null || awaited || !source.isThere()) {
                    return Optional.ofNullable(found);
                }
                awaited = true;
            }
            fetch();
        }
    }

    /** By the one thread that is at the source. */
    private void fetch() {
        Mail.Letter letter = null;
        try {
            letter = source.next();
        } finally {
            synchronized (this) {
                awaited = false;
                if (letter != null) {
                    deliver(letter);
                }
                notifyAll();
            }
        }
    }

    private void deliver(Mail.Letter letter) {
        for (Iterator<Wanted> all = wanted.iterator(); all.hasNext();) {
            Wanted each = all.next();
            if (each.isMetBy(letter)) {
                each.found = letter;
                all.remove();
                if (each.taken) {
                    return;
                }
            }
        }
        arrived.add(letter);
    }

    private Mail.@Nullable Letter here(Wanted one) {
        for (Iterator<Mail.Letter> all = arrived.iterator(); all.hasNext();) {
            Mail.Letter letter = all.next();
            if (one.isMetBy(letter)) {
                if (one.taken) {
                    all.remove();
                }
                return letter;
            }
        }
        return null;
    }

    /** @return whether the thread was interrupted, which does not end its wait for a message */
    @SuppressWarnings("WaitNotInLoop") // its callers look again
    private boolean pause(long millis) {
        try {
            wait(millis);
            return false;
        } catch (InterruptedException e) {
            return true;
        }
    }

    private static void restore(boolean interrupted) {
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
