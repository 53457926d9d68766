package dev.lockstep.world.verbs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import dev.lockstep.world.transport.ChunkedInput;

/**
 * Long arrays that are combined between ranks by messages, in blocks of which every rank combines one. Elements are combined
 * in the order of a binomial tree to rank 0, as they are elsewhere, so that the same number of ranks gives the same bits.
 */
final class MessageArrays {
    /** Shorter ones go up and down a tree, which takes fewer messages. */
    private static final int LONG = 1 << 20;

    private final Channel channel;
    private final int rank;
    private final int size;

    MessageArrays(Channel channel) {
        this.channel = channel;
        this.rank = channel.members().self();
        this.size = channel.members().size();
    }

    /** Whether this is the way for an array of which all ranks get the whole. */
    boolean suits(long bytes) {
        return size > 1 && bytes > LONG;
    }

    <A> A allReduce(CollectiveTracker.Call call, A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        A block = reduceScatter(call, values, codec, each);
        A result = codec.create(codec.length(values));
        for (int i = 0; i < size; i++) {
            int from = (rank - i + size) % size;
            A theirs = i == 0 ? block : exchange(call, block, (rank + i) % size, from, codec);
            System.arraycopy(theirs, 0, result, codec.start(codec.length(values), from, size), codec.length(theirs));
        }
        return result;
    }

    /** @return this rank's block of the result */
    <A> A reduceScatter(CollectiveTracker.Call call, A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        List<A> blocks = new ArrayList<>();
        for (int of = 0; of < size; of++) {
            blocks.add(codec.block(values, of, size));
        }
        List<A> mine = new ArrayList<>(blocks);
        for (int i = 1; i < size; i++) {
            int from = (rank - i + size) % size;
            mine.set(from, exchange(call, blocks.get((rank + i) % size), (rank + i) % size, from, codec));
        }
        return each.tree(mine);
    }

    /** A long array waits for its receiver, who may wait for its own: so that is sent by another thread. */
    private <A> A exchange(CollectiveTracker.Call call, A given, int to, int from, ArrayCodec<A> codec)
            throws IOException {
        CompletableFuture<Boolean> sent = Messages.begin(() -> channel.write(call, to, out -> codec.write(given, out)),
                (long) codec.length(given) * codec.size());
        ChunkedInput in = channel.reader(call, from);
        A received = Algorithms.read(in, codec);
        boolean unused = Messages.await(sent);
        return received;
    }
}
