package dev.lockstep.cuda;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * What one thread hands to the device, by name: counted, or left out but for one kind, so that a recording has that kind alone
 * and its time can be measured.
 */
public final class Launches {
    private static final ThreadLocal<@Nullable Launches> WATCHED = new ThreadLocal<>();

    /**
     * Launches of one name.
     *
     * @param count of them
     * @param bytes that one reads and writes; 0 where only its caller can tell
     */
    public record Kind(int count, long bytes) {}

    private final @Nullable String only;
    private final Map<String, Kind> kinds = new LinkedHashMap<>();

    private Launches(@Nullable String only) {
        this.only = only;
    }

    /** The launches that some work of this thread makes, by name, in the order of the first of each. */
    public static Map<String, Kind> of(Runnable work) {
        return watch(new Launches(null), work).kinds;
    }

    /** Does some work of this thread without the launches of all other names. */
    public static void only(String name, Runnable work) {
        watch(new Launches(name), work);
    }

    private static Launches watch(Launches launches, Runnable work) {
        WATCHED.set(launches);
        try {
            work.run();
        } finally {
            WATCHED.remove();
        }
        return launches;
    }

    /** Whether a launch is to be made. */
    static boolean goes(String name, long bytes) {
        Launches watched = WATCHED.get();
        if (watched == null) {
            return true;
        }
        watched.kinds.merge(name, new Kind(1, bytes), (known, one) -> new Kind(known.count + 1, bytes));
        return watched.only == null || Objects.equals(watched.only, name);
    }
}
