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
     * @param number from 1; 0 before the first
     * @param root   0 where the call has no root
     */
    public record Call(int number, Verb verb, Codec.Kind kind, int root) {
        /** What this rank says, as the other would, when that should be in the same call and is in theirs. */
        IllegalStateException differsFrom(Call theirs, Members members, int other) {
            int self = members.self();
            return new IllegalStateException("rank " + members.world()[Math.min(self, other)] + " is in "
                    + (self < other ? this : theirs).text(members) + ", rank " + members.world()[Math.max(self, other)]
                    + " in " + (self < other ? theirs : this).text(members)
                    + ": every rank must call the same collectives in the same order");
        }

        String text(Members members) {
            List<String> details = new ArrayList<>();
            if (kind != Codec.Kind.OBJECTS) {
                details.add(kind.toString());
            }
            if (root != 0) {
                details.add("root " + root);
            }
            return verb + " #" + number
                    + (details.isEmpty() ? "" : " (" + String.join(", ", details) + ")")
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
    public Call enter(Verb verb, Codec.Kind kind, int root) {
        State before = state;
        if (before.inside()) {
            throw new IllegalStateException("rank " + members.self() + " is in " + before.call().text(members)
                    + " with another thread: collectives are for one thread at a time");
        }
        Call call = new Call(before.call().number() + 1, verb, kind, root);
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
