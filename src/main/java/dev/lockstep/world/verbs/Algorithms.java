package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.Chunk;
import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.ChunkedOutput;

/**
 * How some ranks do each collective, for values of any kind and length: through memory where all of them share it, else by
 * messages from rank to rank.
 */
final class Algorithms {
    private static final byte[] NOTHING = new byte[Chunk.HEADER];

    private final Channel channel;
    private final @Nullable SharedArrays shared;
    private final MessageArrays messages;
    private final Post post;
    private final int rank;
    private final int size;

    /** @param steps of memory that all of these ranks share, if they do */
    Algorithms(Channel channel, @Nullable SharedSteps steps) {
        this.channel = channel;
        this.shared = steps == null ? null : new SharedArrays(steps);
        this.messages = new MessageArrays(channel);
        this.post = new Post(channel, steps);
        this.rank = channel.members().self();
        this.size = channel.members().size();
    }

    Channel channel() {
        return channel;
    }

    /** The root's own share, which goes nowhere. */
    interface Own {
        void take() throws IOException;
    }

    interface Writing {
        void to(OutputStream out) throws IOException;
    }

    interface Reading {
        void from(InputStream in) throws IOException;
    }

    /** By dissemination: in round k every rank hears, by way of others, from 2^k ranks before it. */
    void barrier(CollectiveTracker.Call call) throws IOException {
        if (shared != null) {
            shared.barrier();
            return;
        }
        Chunk nothing = new Chunk(NOTHING.clone(), 0, true);
        for (int distance = 1; distance < size; distance <<= 1) {
            channel.put(call, nothing, (rank + distance) % size);
            channel.reader(call, (rank - distance + size) % size).drain();
        }
    }

    <V> V scatter(CollectiveTracker.Call call, List<V> given, Codec<V> codec, int root)
            throws IOException {
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
    }

    <V> Optional<List<V>> gather(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root)
            throws IOException {
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
    }

    /** One broadcast after the other; those of small values overlap, and no rank waits to send while it should receive. */
    <V> List<V> allGather(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec)
            throws IOException {
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
    }

    /** Pairs of ranks one after the other, in rounds in which every rank is in one pair at most. */
    <V> List<V> allToAll(CollectiveTracker.Call call, List<V> values, Codec<V> codec)
            throws IOException {
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
    }

    <V> Optional<V> reduce(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, BinaryOperator<V> function,
            int root) throws IOException {
        if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
            return Optional.ofNullable(shared.reduce(value, arrays, each, root));
        }
        return fromFirst(call, reduceToFirst(call, value, codec, function), codec, root);
    }

    /** @param value of rank 0, which the root is to have */
    <V> Optional<V> fromFirst(CollectiveTracker.Call call, V value, Codec<V> codec, int root) throws IOException {
        if (root != 0 && rank == 0) {
            send(call, root, value, codec);
        }
        if (rank != root) {
            return Optional.empty();
        }
        return Optional.ofNullable(root == 0 ? value : receive(call, 0, codec));
    }

    <V> V allReduce(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, BinaryOperator<V> function)
            throws IOException {
        if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
            return shared.allReduce(value, arrays, each);
        }
        if (codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each
                && suitsBlocks(arrays.bytes(arrays.given(value)))) {
            return messages.allReduce(call, arrays.given(value), arrays, each);
        }
        return broadcast(call, reduceToFirst(call, value, codec, function), codec, 0);
    }

    /** From rank to rank: each combines what those before it have with its own, so the function need not be commutative. */
    <V> V scan(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, BinaryOperator<V> function)
            throws IOException {
        if (shared != null && codec instanceof ArrayCodec<V> arrays && function instanceof Elementwise<V> each) {
            return shared.scan(value, arrays, each, rank + 1);
        }
        V own = codec.copy(value);
        post.open(1);
        return passOn(call, rank == 0 ? own : function.apply(before(call, codec), own), codec);
    }

    <V> Optional<V> exscan(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, BinaryOperator<V> function)
            throws IOException {
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
    }

    <A> A reduceScatter(CollectiveTracker.Call call, @Nullable A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        if (shared != null) {
            return shared.reduceScatter(values, codec, each);
        }
        return messages.reduceScatter(call, codec.given(values), codec, each);
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

    <V> V broadcast(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root)
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
    <V> V down(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root) throws IOException {
        if (rank == root) {
            passDown(call, value, codec, root);
            return codec.copy(value);
        }
        BinomialTree tree = new BinomialTree(rank, size, root);
        return read(channel.reader(call, tree.parent(), tree.children()), codec);
    }

    /** What the root does of {@link #down}, but for a copy of its own. */
    <V> void passDown(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root) throws IOException {
        if (size > 1) {
            BinomialTree tree = new BinomialTree(rank, size, root);
            ChunkedOutput out = new ChunkedOutput(part -> channel.putAll(call, part, tree.children()));
            codec.write(value, out);
            out.finish();
        }
    }

    <V> void send(CollectiveTracker.Call call, int to, @Nullable V value, Codec<V> codec) throws IOException {
        channel.write(call, to, out -> codec.write(value, out));
    }

    <V> V receive(CollectiveTracker.Call call, int from, Codec<V> codec) throws IOException {
        return read(channel.reader(call, from), codec);
    }

    /** Whether an array of which all get the whole is so long that each combines a block. */
    boolean suitsBlocks(long bytes) {
        return messages.suits(bytes);
    }

    /**
     * A binomial tree in the order of the ranks: the function need not be commutative, and the same number of ranks
     * applies it in the same order every time.
     *
     * @return rank 0's result; elsewhere a part of it
     */
    <V> V reduceToFirst(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec,
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
    void gather(CollectiveTracker.Call call, int root, Writing mine, Own own, Reading each) throws IOException {
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
    static <V> V read(ChunkedInput in, Codec<V> codec) throws IOException {
        V value = codec.read(in);
        in.drain();
        return value;
    }
}
