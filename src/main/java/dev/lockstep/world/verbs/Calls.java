package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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

    /** What all ranks have, combined in the order of the ranks. */
    abstract byte[] combine(CollectiveTracker.Call call, byte[] mine, BinaryOperator<byte[]> function)
            throws IOException;

    /** A call that is done by other means than these, once all ranks have come and have described it alike. */
    public final <R> R agreed(String name, String details, Supplier<R> body) {
        return inCall(Verb.DEVICE, Codec.Kind.OBJECTS, 0, name, details, call -> {
            Said mine = new Said(members.self(), name.replace('\n', ' '), details.replace('\n', ' '));
            List<Said> all = Said.read(combine(call, Said.write(List.of(mine)), (first, second) -> {
                List<Said> both = new ArrayList<>(Said.read(first));
                both.addAll(Said.read(second));
                Optional<Said> other = both.stream().filter(each -> !each.isAs(both.get(0))).findFirst();
                return Said.write(other.isPresent() ? List.of(both.get(0), other.get()) : both.subList(0, 1));
            }));
            if (all.size() > 1) {
                throw all.get(0).as(call).differsFrom(all.get(1).as(call), members, all.get(0).rank, all.get(1).rank);
            }
            return body.get();
        });
    }

    /** How the lowest of some ranks calls what it does, or how two call it that differ. */
    private record Said(int rank, String name, String details) {
        boolean isAs(Said other) {
            return name.equals(other.name) && details.equals(other.details);
        }

        CollectiveTracker.Call as(CollectiveTracker.Call call) {
            return new CollectiveTracker.Call(call.number(), call.verb(), call.kind(), call.root(), name, details);
        }

        static byte[] write(List<Said> all) {
            return all.stream().map(each -> each.rank + "\n" + each.name + "\n" + each.details + "\n")
                    .collect(Collectors.joining()).getBytes(StandardCharsets.UTF_8);
        }

        static List<Said> read(byte[] bytes) {
            String[] lines = new String(bytes, StandardCharsets.UTF_8).split("\n", -1);
            return IntStream.range(0, lines.length / 3).mapToObj(i -> new Said(Integer.parseInt(lines[3 * i]),
                    lines[3 * i + 1], lines[3 * i + 2])).toList();
        }
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
