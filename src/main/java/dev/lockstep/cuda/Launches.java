package dev.lockstep.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import com.sun.jna.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * What one thread hands to the device, by name: counted, or left out but for one kind, so that a recording has that kind alone
 * and its time can be measured, or timed as it goes.
 */
public final class Launches {
    private static final ThreadLocal<@Nullable Launches> WATCHED = new ThreadLocal<>();

    /**
     * Launches of one name.
     *
     * @param count      of them
     * @param bytes      that one reads and writes; 0 where only its caller can tell
     * @param operations multiplications and additions of one; 0 where it is no product
     * @param seconds    of all of them, where they were timed
     */
    public record Kind(int count, long bytes, long operations, double seconds) {
        private Kind and(Kind more) {
            return new Kind(count + more.count, more.bytes, more.operations, seconds + more.seconds);
        }
    }

    /** What comes after a moment that the device will have noted. */
    private record Began(String name, Pointer event) {}

    private final @Nullable String only;
    // null: not timed
    private final @Nullable Pointer stream;
    private final Map<String, Kind> kinds = new LinkedHashMap<>();
    private final List<Began> began = new ArrayList<>();

    private Launches(@Nullable String only, @Nullable Pointer stream) {
        this.only = only;
        this.stream = stream;
    }

    /** The launches that some work of this thread makes, by name, in the order of the first of each. */
    public static Map<String, Kind> of(Runnable work) {
        return watch(new Launches(null, null), work).kinds;
    }

    /** Does some work of this thread without the launches of all other names. */
    public static void only(String name, Runnable work) {
        watch(new Launches(name, null), work);
    }

    /**
     * {@link #of}, with the time from each launch to the next, or to the end, as the device sees it: that it waits for this
     * thread included.
     *
     * @param stream that all of it goes to
     */
    public static Map<String, Kind> timed(Pointer stream, Runnable work) {
        Launches launches = watch(new Launches(null, stream), work);
        launches.note("");
        CudaDriver.await(stream);
        List<Began> all = launches.began;
        for (int i = 0; i + 1 < all.size(); i++) {
            double seconds = CudaDriver.secondsBetween(all.get(i).event, all.get(i + 1).event);
            launches.kinds.computeIfPresent(all.get(i).name, (name, kind) -> new Kind(kind.count, kind.bytes,
                    kind.operations, kind.seconds + seconds));
        }
        all.forEach(each -> CudaDriver.closeEvent(each.event));
        return launches.kinds;
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

    /** What follows is a library's, which makes no launches that are seen here; where they are timed it has this name. */
    public static void mark(String name) {
        Launches watched = WATCHED.get();
        if (watched != null && watched.stream != null) {
            goes(name, 0, 0);
        }
    }

    private void note(String name) {
        if (stream != null) {
            began.add(new Began(name, CudaDriver.event(stream, true)));
        }
    }

    /** Whether a launch is to be made. */
    static boolean goes(String name, long bytes, long operations) {
        Launches watched = WATCHED.get();
        if (watched == null) {
            return true;
        }
        watched.note(name);
        watched.kinds.merge(name, new Kind(1, bytes, operations, 0), Kind::and);
        return watched.only == null || Objects.equals(watched.only, name);
    }
}
