package dev.lockstep.host;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** How much of many bytes has come, how fast, and how long the rest will take. Safe for use by several threads. */
public final class ByteProgress {
    private final String what;
    private final long total;
    private final long begin = System.nanoTime();
    private final AtomicLong here = new AtomicLong();
    private final AtomicLong received = new AtomicLong();

    /**
     * @param what  is done with them
     * @param total bytes, of which some may be here from before
     */
    public ByteProgress(String what, long total) {
        this.what = what;
        this.total = total;
    }

    /** Bytes were here already; fewer where they turn out to be of no use. */
    public void found(long bytes) {
        here.addAndGet(bytes);
    }

    /** So many more have come. */
    public void received(long bytes) {
        here.addAndGet(bytes);
        received.addAndGet(bytes);
    }

    /** Bytes, rate and time left. */
    public String line() {
        double seconds = (System.nanoTime() - begin) / 1e9;
        double rate = received.get() / seconds;
        long left = Math.max(0, total - here.get());
        return String.format(Locale.ROOT, "%s: %s of %s%s", what,
                Amounts.bytes(Math.min(here.get(), total)),
                Amounts.bytes(total), rate < 1
                        ? ""
                        : ", " + Amounts.bytes(Math.round(rate)) + "/s, " + Amounts.duration(Math.round(left / rate))
                                + " left");
    }
}
