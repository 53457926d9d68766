package dev.lockstep.checkpoint.hub;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hears what becomes of a model that is not here yet. Called by the thread that wants the model. */
public interface Watch {
    /** Something begins, or is not as one would expect. */
    void say(String line);

    /** How far a download is, a few times a second. */
    void progress(String line);

    /** It still goes on; called at least every second, also while another process downloads. */
    void alive();

    /** Writes it into the log, progress every ten seconds. */
    static Watch log() {
        return new Watch() {
            private static final long NANOS = 10_000_000_000L;

            private final Logger log = LoggerFactory.getLogger(Hub.class);
            private long written = System.nanoTime();

            @Override
            public void say(String line) {
                log.info(line);
            }

            @Override
            public void progress(String line) {
                if (System.nanoTime() - written >= NANOS) {
                    written = System.nanoTime();
                    log.info(line);
                }
            }

            @Override
            public void alive() {
                // nobody waits for a sign
            }
        };
    }
}
