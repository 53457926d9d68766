package dev.lockstep.world.verbs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

import dev.lockstep.world.transport.ChunkedInput;

/** Arrays that are combined between hosts, by one rank of each, once each host has combined what it can by itself. */
final class HostReductions {
    private final HostTree tree;
    private final Channel channel;
    private final int host;
    private final int hosts;

    /** @param channel of one rank of each host */
    HostReductions(HostTree tree, Channel channel) {
        this.tree = tree;
        this.channel = channel;
        this.host = channel.members().self();
        this.hosts = channel.members().size();
    }

    private List<Run> ofHost(int of) {
        return tree.of(new Run(of, of + 1));
    }

    private <A> Map<Run, A> byTree(List<A> own) {
        Map<Run, A> parts = new HashMap<>();
        for (int i = 0; i < own.size(); i++) {
            parts.put(ofHost(host).get(i), own.get(i));
        }
        return parts;
    }

    /**
     * Up a binomial tree of hosts.
     *
     * @param own of each of this host's subtrees what its ranks have
     * @return on host 0 the result, elsewhere nothing that means anything
     */
    <A> A toFirst(CollectiveTracker.Call call, List<A> own, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        Map<Run, A> parts = byTree(own);
        for (int distance = 1; distance < hosts; distance <<= 1) {
            Run below = new Run(host, Math.min(hosts, host + distance));
            if ((host & distance) != 0) {
                channel.write(call, host - distance, out -> {
                    for (Run subtree : tree.of(below)) {
                        codec.write(parts.get(subtree), out);
                    }
                });
                break;
            }
            if (host + distance < hosts) {
                Run theirs = new Run(host + distance, Math.min(hosts, host + 2 * distance));
                ChunkedInput in = channel.reader(call, host + distance);
                for (Run of : tree.of(theirs)) {
                    parts.put(of, codec.read(in));
                }
                in.drain();
                Map<Run, A> joined = new HashMap<>();
                for (Run of : tree.of(new Run(host, theirs.end()))) {
                    joined.put(of, tree.combine(of, parts, each));
                }
                parts.clear();
                parts.putAll(joined);
            }
        }
        return parts.containsKey(tree.root()) ? parts.get(tree.root()) : own.get(0);
    }

    /**
     * Each host gets a piece of every other's arrays and combines it.
     *
     * @param piece of an array, for a host
     * @return this host's piece of the result
     */
    <A> A scatter(CollectiveTracker.Call call, List<A> own, ArrayCodec<A> codec, Elementwise<A> each,
            BiFunction<A, Integer, A> piece) throws IOException {
        Map<Run, A> parts = byTree(own.stream().map(array -> piece.apply(array, host)).toList());
        for (int i = 1; i < hosts; i++) {
            int to = (host + i) % hosts;
            int from = (host - i + hosts) % hosts;
            List<A> given = own.stream().map(array -> piece.apply(array, to)).toList();
            List<A> come = exchange(call, given, to, from, ofHost(from).size(), codec);
            for (int k = 0; k < come.size(); k++) {
                parts.put(ofHost(from).get(k), come.get(k));
            }
        }
        return tree.combine(tree.root(), parts, each);
    }

    /** Of a long array: each host combines a block, and gets the others' from those that have. */
    <A> A all(CollectiveTracker.Call call, List<A> own, ArrayCodec<A> codec, Elementwise<A> each) throws IOException {
        A block = scatter(call, own, codec, each, (array, of) -> codec.block(array, of, hosts));
        int length = codec.length(own.get(0));
        A result = codec.create(length);
        for (int i = 0; i < hosts; i++) {
            int from = (host - i + hosts) % hosts;
            A theirs = i == 0
                    ? block
                    : exchange(call, List.of(block), (host + i) % hosts, from, 1, codec).get(0);
            System.arraycopy(theirs, 0, result, codec.start(length, from, hosts), codec.length(theirs));
        }
        return result;
    }

    /** Long arrays wait for their receiver, who may wait for its own: so they are sent by another thread. */
    private <A> List<A> exchange(CollectiveTracker.Call call, List<A> given, int to, int from, int count,
            ArrayCodec<A> codec) throws IOException {
        long bytes = given.stream().mapToLong(array -> codec.bytes(array) + Integer.BYTES).sum();
        CompletableFuture<Boolean> sent = Messages.begin(() -> channel.write(call, to, out -> {
            for (A each : given) {
                codec.write(each, out);
            }
        }), bytes);
        List<A> come = new ArrayList<>();
        ChunkedInput in = channel.reader(call, from);
        for (int i = 0; i < count; i++) {
            come.add(codec.read(in));
        }
        in.drain();
        boolean unused = Messages.await(sent);
        return come;
    }
}
