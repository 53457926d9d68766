package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.ChunkedOutput;
import dev.lockstep.world.transport.SharedMemory;

/**
 * The algorithms, for values of any kind and length: all are made of parts that go from one rank to another, each with a
 * header that says to which call it belongs, so that ranks which are in different calls notice.
 */
public final class Collectives extends Calls {
    private static final byte[] NOTHING = new byte[Chunk.HEADER];

    private final Channel channel;
    private final @Nullable Collectives all; // where these are a view of them
    private final @Nullable SharedSteps steps;
    private final @Nullable SharedArrays shared;
    private final MessageArrays messages;
    private final Post post;
    private final int rank;
    private final int size;

    /** @param memory what the ranks of this group share, if they do */
    public Collectives(Channel channel, CollectiveTracker standing, Runnable open, @Nullable SharedMemory memory) {
        super(channel.members(), standing, open, null);
        this.channel = channel;
        this.all = null;
        this.steps = memory == null ? null : new SharedSteps(memory, channel.members());
        this.shared = steps == null ? null : new SharedArrays(steps);
        this.messages = new MessageArrays(channel);
        this.post = new Post(channel, steps);
        this.rank = channel.members().self();
        this.size = channel.members().size();
    }

    private Collectives(Collectives all, Alarm alarm) {
        super(all, alarm);
        this.channel = all.channel;
        this.all = all;
        this.steps = all.steps;
        this.shared = all.shared;
        this.messages = all.messages;
        this.post = all.post;
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
        return broadcast(call, reduceToFirst(call, mine, ArrayCodec.BYTES, function), ArrayCodec.BYTES, 0);
    }

    /** A view of these whose calls have an alarm. */
    public Collectives within(Alarm limit) {
        return new Collectives(all == null ? this : all, limit);
    }

    /** A call that all take part in and that is made of messages of its own. */
    public <R> R together(Verb verb, Supplier<R> body) {
        return inCall(verb, Codec.Kind.OBJECTS, 0, call -> body.get());
    }

    /** The root's own share, which goes nowhere. */
    private interface Own {
        void take() throws IOException;
    }

    public interface Writing {
        void to(OutputStream out) throws IOException;
    }

    public interface Reading {
        void from(InputStream in) throws IOException;
    }

    /** By dissemination: in round k every rank hears, by way of others, from 2^k ranks before it. */
    public void barrier() {
        inCall(Verb.BARRIER, Codec.Kind.OBJECTS, 0, call -> {
            if (shared != null) {
                shared.barrier();
                return NOTHING;
            }
            Chunk nothing = new Chunk(NOTHING.clone(), 0, true);
            for (int distance = 1; distance < size; distance <<= 1) {
                channel.put(call, nothing, (rank + distance) % size);
                channel.reader(call, (rank - distance + size) % size).drain();
            }
            return NOTHING;
        });
    }

    public <V> V broadcast(@Nullable V value, Codec<V> codec, int root) {
        return inCall(Verb.BROADCAST, codec.kind(), root, call -> broadcast(call, value, codec, root));
    }

    public <V> V scatter(@Nullable List<V> values, Codec<V> codec, int root) {
        if (rank == root && (values == null || values.size() != size)) {
            throw new IllegalArgumentException("scatter: the root gives "
                    + (values == null ? "no list" : values.size() + " values") + " for " + size + " ranks");
        }
        List<V> given = values == null ? List.of() : values;
        return inCall(Verb.SCATTER, codec.kind(), root, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays) {
                return shared.scatter(given, arrays, root);
            }
            post.open(1);
            boolean[] put = new boolean[size];
            for (int to = 0; rank == root && to < size; to++) {
                put[to] = to == root || post.put(to, 0, given.get(to), codec);
            }
            post.close();
            if (rank != root) {
                return post.take(call, root, rank, 0, codec);
            }
            for (int to = 0; to < size; to++) {
                if (!put[to] && to != root) {
                    post.send(call, to, given.get(to), codec);
                }
            }
            return codec.copy(given.get(root));
        });
    }

    public <V> Optional<List<V>> gather(@Nullable V value, Codec<V> codec, int root) {
        return inCall(Verb.GATHER, codec.kind(), root, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays) {
                List<V> all = shared.gather(value, arrays, root);
                return rank == root ? Optional.of(all) : Optional.empty();
            }
            post.open(1);
            boolean put = rank != root && post.put(rank, 0, value, codec);
            post.close();
            if (rank != root) {
                if (!put) {
                    post.send(call, root, value, codec);
                }
                return Optional.empty();
            }
            List<V> values = new ArrayList<>();
            for (int from = 0; from < size; from++) {
                values.add(from == root ? codec.copy(value) : post.take(call, from, from, 0, codec));
            }
            return Optional.of(values);
        });
    }

    /** @param items each goes to the consumer on the root, by rank, and is forgotten */
    public <T> void gatherEach(Iterable<? extends T> items, JsonCodec<T> codec, int root,
            Consumer<? super T> consumer) {
        inCall(Verb.GATHER_EACH, codec.kind(), root, call -> {
            gather(call, root, out -> codec.writeAll(items.iterator(), out), () -> {
                for (T item : items) {
                    consumer.accept(codec.copy(item));
                }
            }, in -> codec.readAll(in, consumer));
            return NOTHING;
        });
    }

    /** One broadcast after the other; those of small values overlap, and no rank waits to send while it should receive. */
    public <V> List<V> allGather(@Nullable V value, Codec<V> codec, Verb verb) {
        return inCall(verb, codec.kind(), 0, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays) {
                return shared.allGather(value, arrays);
            }
            post.open(1);
            boolean put = post.put(rank, 0, value, codec);
            post.close();
            List<V> values = new ArrayList<>();
            for (int from = 0; from < size; from++) {
                boolean there = from == rank ? put : post.has(from, from, 0);
                values.add(there ? post.get(from, 0, codec) : down(call, value, codec, from));
            }
            return values;
        });
    }

    /** Pairs of ranks one after the other, in rounds in which every rank is in one pair at most. */
    public <V> List<V> allToAll(List<V> values, Codec<V> codec) {
        if (values == null || values.size() != size) {
            throw new IllegalArgumentException("allToAll: this rank gives "
                    + (values == null ? "no list" : values.size() + " values") + " for " + size + " ranks");
        }
        return inCall(Verb.ALL_TO_ALL, codec.kind(), 0, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays) {
                return shared.allToAll(values, arrays);
            }
            List<V> received = new ArrayList<>(values);
            post.open(size);
            boolean[] put = new boolean[size];
            for (int to = 0; to < size; to++) {
                put[to] = to == rank || post.put(rank, to, values.get(to), codec);
            }
            post.close();
            received.set(rank, codec.copy(values.get(rank)));
            for (int round = 1; round < Integer.highestOneBit(size) << 1; round++) {
                int peer = rank ^ round;
                if (peer >= size) {
                    continue;
                }
                if (rank < peer && !put[peer]) {
                    post.send(call, peer, values.get(peer), codec);
                }
                received.set(peer, post.take(call, peer, peer, rank, codec));
                if (rank > peer && !put[peer]) {
                    post.send(call, peer, values.get(peer), codec);
                }
            }
            return received;
        });
    }

    public <V> Optional<V> reduce(@Nullable V value, Codec<V> codec, BinaryOperator<V> function, int root) {
        return inCall(Verb.REDUCE, codec.kind(), root, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
                return Optional.ofNullable(shared.reduce(value, arrays, each, root));
            }
            V result = reduceToFirst(call, value, codec, function);
            if (root != 0 && rank == 0) {
                channel.write(call, root, out -> codec.write(result, out));
            }
            if (rank != root) {
                return Optional.empty();
            }
            return Optional.ofNullable(root == 0 ? result : read(channel.reader(call, 0), codec));
        });
    }

    public <V> V allReduce(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.ALL_REDUCE, codec.kind(), 0, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
                return shared.allReduce(value, arrays, each);
            }
            if (codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each
                    && messages.suits((long) arrays.length(arrays.given(value)) * arrays.size())) {
                return messages.allReduce(call, arrays.given(value), arrays, each);
            }
            return broadcast(call, reduceToFirst(call, value, codec, function), codec, 0);
        });
    }

    /**
     * From rank to rank: each combines what those before it have with its own, so the function need not be commutative.
     *
     * @return what this rank and those before it have, combined
     */
    public <V> V scan(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.SCAN, codec.kind(), 0, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
                return shared.scan(value, arrays, each, rank + 1);
            }
            V own = codec.copy(value);
            post.open(1);
            return passOn(call, rank == 0 ? own : function.apply(before(call, codec), own), codec);
        });
    }

    /** @return what the ranks before this one have, combined; on rank 0 empty */
    public <V> Optional<V> exscan(@Nullable V value, Codec<V> codec, BinaryOperator<V> function) {
        return inCall(Verb.EXSCAN, codec.kind(), 0, call -> {
            if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
                V before = shared.scan(value, arrays, each, rank);
                return rank == 0 ? Optional.empty() : Optional.of(before);
            }
            V own = codec.copy(value);
            post.open(1);
            if (rank == 0) {
                passOn(call, own, codec);
                return Optional.empty();
            }
            V before = before(call, codec);
            // a function may write into its arguments
            V kept = codec.copy(before);
            passOn(call, function.apply(before, own), codec);
            return Optional.of(kept);
        });
    }

    /** @return this rank's block of what all have, combined; blocks differ in length by one at most */
    public <A> A reduceScatter(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each) {
        return inCall(Verb.REDUCE_SCATTER, codec.kind(), 0, call -> {
            if (shared != null) {
                return shared.reduceScatter(values, codec, each);
            }
            return messages.reduceScatter(call, codec.given(values), codec, each);
        });
    }

    private <V> V before(CollectiveTracker.Call call, Codec<V> codec) throws IOException {
        return post.take(call, rank - 1, rank - 1, 0, codec);
    }

    private <V> V passOn(CollectiveTracker.Call call, V value, Codec<V> codec) throws IOException {
        boolean put = rank + 1 == size || post.put(rank, 0, value, codec);
        post.close();
        if (!put) {
            post.send(call, rank + 1, value, codec);
        }
        return value;
    }

    private <V> V broadcast(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root)
            throws IOException {
        if (shared != null && codec instanceof ArrayCodec<V> arrays) {
            return shared.broadcast(value, arrays, root);
        }
        post.open(1);
        boolean put = rank == root && post.put(rank, 0, value, codec);
        post.close();
        boolean there = rank == root ? put : post.has(root, root, 0);
        return there ? post.get(root, 0, codec) : down(call, value, codec, root);
    }

    /** Down a tree of messages. */
    private <V> V down(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root) throws IOException {
        BinomialTree tree = new BinomialTree(rank, size, root);
        if (rank != root) {
            return read(channel.reader(call, tree.parent(), tree.children()), codec);
        }
        if (size > 1) {
            ChunkedOutput out = new ChunkedOutput(part -> channel.putAll(call, part, tree.children()));
            codec.write(value, out);
            out.finish();
        }
        return codec.copy(value);
    }

    /**
     * A binomial tree in the order of the ranks: the function need not be commutative, and the same number of ranks
     * applies it in the same order every time.
     *
     * @return rank 0's result; elsewhere a part of it
     */
    private <V> V reduceToFirst(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec,
            BinaryOperator<V> function)
            throws IOException {
        V result = codec.copy(value);
        post.open(1);
        for (int distance = 1; distance < size; distance <<= 1) {
            if ((rank & distance) != 0) {
                boolean put = post.put(rank, 0, result, codec);
                post.close();
                if (!put) {
                    post.send(call, rank - distance, result, codec);
                }
                return result;
            }
            if (rank + distance < size) {
                result = function.apply(result, post.take(call, rank + distance, rank + distance, 0, codec));
            }
        }
        post.close();
        return result;
    }

    /** One rank's bytes at a time: the root holds the values, not the values and all the bytes. */
    private void gather(CollectiveTracker.Call call, int root, Writing mine, Own own, Reading each) throws IOException {
        if (rank != root) {
            channel.write(call, root, mine);
            return;
        }
        for (int from = 0; from < size; from++) {
            if (from == root) {
                own.take();
            } else {
                ChunkedInput in = channel.reader(call, from);
                each.from(in);
                in.drain();
            }
        }
    }

    /** The whole value, so that the next message is the next value's. */
    public static <V> V read(ChunkedInput in, Codec<V> codec) throws IOException {
        V value = codec.read(in);
        in.drain();
        return value;
    }
}
