package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

/** What all calls of collectives have in common: that this rank is in one, and for how long it may be. */
public abstract sealed class Calls permits Collectives {
    private static final Runnable NO_ALARM = () -> {
    };

    private final Members members;
    private final CollectiveTracker standing;
    private final Runnable open;
    private final @Nullable Alarm alarm;

    Calls(Members members, CollectiveTracker standing, Runnable open, @Nullable Alarm alarm) {
        this.members = members;
        this.standing = standing;
        this.open = open;
        this.alarm = alarm;
    }

    Calls(Calls all, Alarm alarm) {
        this(all.members, all.standing, all.open, alarm);
    }

    /** Goes off when a call takes too long. */
    public interface Alarm {
        /** @return what to do when the call is over */
        Runnable set(int number, String call);
    }

    /** What one call of a collective does on this rank. */
    interface Body<R> {
        R run(CollectiveTracker.Call call) throws IOException;
    }

    /** The rank has entered a call. */
    abstract void begin(CollectiveTracker.Call call);

    abstract <V> List<V> allGather(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec) throws IOException;

    /** A call that is done by other means than these, once all ranks have come and have described it alike. */
    public final <R> R agreed(String name, String details, Supplier<R> body) {
        return inCall(Verb.DEVICE, Codec.Kind.OBJECTS, 0, name, details, call -> {
            byte[] mine = (name + "\n" + details).getBytes(StandardCharsets.UTF_8);
            List<byte[]> all = allGather(call, mine, ArrayCodec.BYTES);
            for (int from = 0; from < all.size(); from++) {
                if (!Arrays.equals(mine, all.get(from))) {
                    String[] theirs = new String(all.get(from), StandardCharsets.UTF_8).split("\n", 2);
                    throw call.differsFrom(new CollectiveTracker.Call(call.number(), Verb.DEVICE, call.kind(), 0,
                            theirs[0], theirs[1]), members, from);
                }
            }
            return body.get();
        });
    }

    final <R> R inCall(Verb verb, Codec.Kind kind, int root, Body<R> body) {
        return inCall(verb, kind, root, "", "", body);
    }

    private <R> R inCall(Verb verb, Codec.Kind kind, int root, String name, String details, Body<R> body) {
        open.run();
        if (root < 0 || root >= members.size()) {
            throw new IllegalArgumentException("root " + root + " is not a rank of " + members.size());
        }
        CollectiveTracker.Call call = standing.enter(verb, kind, root, name, details);
        Runnable over = alarm == null ? NO_ALARM : alarm.set(call.number(), call.text(members));
        try {
            begin(call);
            return body.run(call);
        } catch (IOException e) {
            throw new UncheckedIOException(call.text(members) + " failed: " + e.getMessage(), e);
        } finally {
            over.run();
            standing.leave(call);
            // the reporter takes what nobody refers to for left
            Reference.reachabilityFence(this);
        }
    }
}
