package dev.lockstep.world.verbs;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.wire.Message;

/**
 * Where this rank stands in one group's sequence of collectives. Entering and leaving are one volatile write each; a
 * thread of its own looks at them now and then and tells the launcher.
 */
public final class CollectiveTracker {
    /**
     * One call.
     *
     * @param number  from 1; 0 before the first
     * @param root    0 where the call has no root
     * @param name    of a call that the verb does not name; else empty
     * @param details of such a call
     */
    public record Call(int number, Verb verb, Codec.Kind kind, int root, String name, String details) {
        Call(int number, Verb verb, Codec.Kind kind, int root) {
            this(number, verb, kind, root, "", "");
        }

        /** What this rank says, as the other would, when that should be in the same call and is in theirs. */
        IllegalStateException differsFrom(Call theirs, Members members, int other) {
            return differsFrom(theirs, members, members.self(), other);
        }

        /** What one rank says is in this call, when another is in theirs. */
        IllegalStateException differsFrom(Call theirs, Members members, int self, int other) {
            return new IllegalStateException("rank " + members.world()[Math.min(self, other)] + " is in "
                    + (self < other ? this : theirs).text(members) + ", rank " + members.world()[Math.max(self, other)]
                    + " in " + (self < other ? theirs : this).text(members)
                    + ": every rank must call the same collectives in the same order");
        }

        String text(Members members) {
            List<String> all = new ArrayList<>();
            if (kind != Codec.Kind.OBJECTS) {
                all.add(kind.toString());
            }
            if (root != 0) {
                all.add("root " + root);
            }
            if (!details.isEmpty()) {
                all.add(details);
            }
            return (name.isEmpty() ? verb.toString() : name) + " #" + number
                    + (all.isEmpty() ? "" : " (" + String.join(", ", all) + ")")
                    + members.suffix();
        }
    }

    /** The call and whether the rank is still in it; since is of System.nanoTime. */
    private record State(Call call, boolean inside, long since) {}

    private final Members members;
    private volatile State state = new State(new Call(0, Verb.BARRIER, Codec.Kind.OBJECTS, 0), false,
            System.nanoTime());
    private State reported = state;

    public CollectiveTracker(Members members) {
        this.members = members;
    }

    /** @throws IllegalStateException when another thread is in a collective of the same group */
    public Call enter(Verb verb, Codec.Kind kind, int root, String name, String details) {
        State before = state;
        if (before.inside()) {
            throw new IllegalStateException("rank " + members.self() + " is in " + before.call().text(members)
                    + " with another thread: collectives are for one thread at a time");
        }
        Call call = new Call(before.call().number() + 1, verb, kind, root, name, details);
        state = new State(call, true, System.nanoTime());
        return call;
    }

    public void leave(Call call) {
        state = new State(call, false, System.nanoTime());
    }

    public Message.Left left() {
        return new Message.Left(members.id(), members.leader());
    }

    /** What the launcher has not been told yet, or null. */
    @SuppressWarnings("ReferenceEquality") // each state is a new one, and is told once
    public Message.@Nullable Position news(long now) {
        State current = state;
        if (current == reported) {
            return null;
        }
        reported = current;
        Call call = current.call();
        return new Message.Position(members.id(), members.leader(), call.number(), call.text(members),
                current.inside(), (now - current.since()) / 1_000_000);
    }
}
