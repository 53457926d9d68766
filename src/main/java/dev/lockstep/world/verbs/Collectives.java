package dev.lockstep.world.verbs;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Placement;
import dev.lockstep.world.transport.SharedMemory;

/**
 * The collectives of a group's ranks: through memory where all are on one host, {@linkplain ByHost host by host} where they
 * are on several and share memory in each, else by messages. All are made of parts that say to which call they belong, so
 * that ranks which are in different calls notice.
 */
public final class Collectives extends Calls {
    private final @Nullable Collectives all; // where these are a view of them
    private final @Nullable SharedSteps steps;
    private final Algorithms ranks;
    private final @Nullable ByHost hosts;
    private final int rank;
    private final int size;

    /** @param memory what the ranks of this group share, on each host, if they do */
    public Collectives(Channel channel, CollectiveTracker standing, Runnable open, @Nullable SharedMemory memory) {
        super(channel.members(), standing, open, null);
        this.all = null;
        this.rank = channel.members().self();
        this.size = channel.members().size();
        if (memory == null) {
            this.steps = null;
            this.ranks = new Algorithms(channel, null);
            this.hosts = null;
            return;
        }
        Placement placement = memory.placement();
        int id = channel.members().id();
        SharedSteps own = new SharedSteps(memory,
                new Members(id, placement.here(), placement.indexHere(placement.self())));
        boolean several = placement.hosts() > 1;
        this.steps = own;
        this.ranks = new Algorithms(channel, several ? null : own);
        this.hosts = several
                ? new ByHost(placement, ranks, own,
                        channel.between(new Members(id, placement.leaders(), placement.host())))
                : null;
    }

    private Collectives(Collectives all, Alarm alarm) {
        super(all, alarm);
        this.all = all;
        this.steps = all.steps;
        this.ranks = all.ranks;
        this.hosts = all.hosts;
        this.rank = all.rank;
        this.size = all.size;
    }

    @Override
    void begin(CollectiveTracker.Call call) {
        if (steps != null) {
            steps.enter(call);
        }
    }

    @Override
    byte[] combine(CollectiveTracker.Call call, byte[] mine, BinaryOperator<byte[]> function) throws IOException {
        return ranks.allReduce(call, mine, ArrayCodec.BYTES, function);
    }

    /** A view of these whose calls have an alarm. */
    public Collectives within(Alarm limit) {
        return new Collectives(all == null ? this : all, limit);
    }

    /** A call that all take part in and that is made of messages of its own. */
    public <R> R together(Verb verb, Supplier<R> body) {
        return inCall(verb, Codec.Kind.OBJECTS, 0, call -> body.get());
    }

    public void barrier() {
        boolean unused = inCall(Verb.BARRIER, Codec.Kind.OBJECTS, 0, call -> {
            if (hosts == null) {
                ranks.barrier(call);
            } else {
                hosts.barrier(call);
            }
            return true;
        });
    }

    public <V> V broadcast(@Nullable V value, Codec<V> codec, int root) {
        return inCall(Verb.BROADCAST, codec.kind(), root, call -> hosts == null
                ? ranks.broadcast(call, value, codec, root)
                : hosts.broadcast(call, value, codec, root));
    }

    public <V> V scatter(@Nullable List<V> values, Codec<V> codec, int root) {
        if (rank == root && (values == null || values.size() != size)) {
            throw new IllegalArgumentException("scatter: the root gives "
                    + (values == null ? "no list" : values.size() + " values") + " for " + size + " ranks");
        }
        List<V> given = values == null || rank != root ? List.of() : values;
        return inCall(Verb.SCATTER, codec.kind(), root, call -> hosts == null
                ? ranks.scatter(call, given, codec, root)
                : hosts.scatter(call, given, codec, root));
    }

    public <V> Optional<List<V>> gather(@Nullable V value, Codec<V> codec, int root) {
        return inCall(Verb.GATHER, codec.kind(), root, call -> {
            if (hosts == null) {
                return ranks.gather(call, value, codec, root);
            }
            List<V> values = hosts.gather(call, value, codec, root);
            return rank == root ? Optional.of(values) : Optional.empty();
        });
    }

    /** @param items each goes to the consumer on the root, by rank, and is forgotten */
    public <T> void gatherEach(Iterable<? extends T> items, JsonCodec<T> codec, int root,
            Consumer<? super T> consumer) {
        boolean unused = inCall(Verb.GATHER_EACH, codec.kind(), root, call -> {
            ranks.gather(call, root, out -> codec.writeAll(items.iterator(), out), () -> {
                for (T item : items) {
                    consumer.accept(codec.copy(item));
                }
            }, in -> codec.readAll(in, consumer));
            return true;
        });
    }

    public <V> List<V> allGather(@Nullable V value, Codec<V> codec, Verb verb) {
        return inCall(verb, codec.kind(), 0, call -> hosts == null
                ? ranks.allGather(call, value, codec)
                : hosts.allGather(call, value, codec));
    }

    public <V> List<V> allToAll(List<V> values, Codec<V> codec) {
        if (values == null || values.size() != size) {
            throw new IllegalArgumentException("allToAll: this rank gives "
                    + (values == null ? "no list" : values.size() + " values") + " for " + size + " ranks");
        }
        return inCall(Verb.ALL_TO_ALL, codec.kind(), 0, call -> ranks.allToAll(call, values, codec));
    }

    /** In the order of a binomial tree of the ranks, whichever way values go. */
    public <V> Optional<V> reduce(@Nullable V value, Codec<V> codec, BinaryOperator<V> function, int root) {
        return inCall(Verb.REDUCE, codec.kind(), root, call -> {
            if (hosts != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
                V first = hosts.reduceToFirst(call, arrays.given(value), arrays, each);
                return ranks.fromFirst(call, first, codec, root);
            }
            return ranks.reduce(call, value, codec, function, root);
        });
    }

    /** In the order of a binomial tree of the ranks, whichever way values go. */
    public <V> V allReduce(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.ALL_REDUCE, codec.kind(), 0, call -> {
            if (hosts == null) {
                return ranks.allReduce(call, value, codec, function);
            }
            return codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each
                    ? hosts.allReduce(call, arrays.given(value), arrays, each)
                    : hosts.broadcast(call, ranks.reduceToFirst(call, value, codec, function), codec, 0);
        });
    }

    /** @return what this rank and those before it have, combined */
    public <V> V scan(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.SCAN, codec.kind(), 0, call -> ranks.scan(call, value, codec, function));
    }

    /** @return what the ranks before this one have, combined; on rank 0 empty */
    public <V> Optional<V> exscan(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.EXSCAN, codec.kind(), 0, call -> ranks.exscan(call, value, codec, function));
    }

    /** @return this rank's block of what all have, combined; blocks differ in length by one at most */
    public <A> A reduceScatter(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each) {
        return inCall(Verb.REDUCE_SCATTER, codec.kind(), 0, call -> hosts == null
                ? ranks.reduceScatter(call, values, codec, each)
                : hosts.reduceScatter(call, codec.given(values), codec, each));
    }
}
