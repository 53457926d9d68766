package dev.lockstep.world.verbs;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.world.transport.ChunkedInput;
import dev.lockstep.world.transport.Placement;

/**
 * Collectives of ranks on several hosts: in each host through memory that its ranks share, between hosts by messages of one
 * rank of each, its lowest, and in each host again. Values that are gathered or scattered go that way if they are small, as
 * bytes; of a longer one there are no bytes, and it goes from its rank to the others by messages.
 */
final class ByHost {
    private static final int SMALL = 64 << 10;
    private static final byte[] ELSEWHERE = new byte[0];

    private final Placement placement;
    private final int[][] ranksOf; // each host's
    private final int rank;
    private final int host;
    private final Algorithms all; // rank by rank, by messages
    private final SharedArrays here;
    private final boolean alone;
    private final boolean leads;
    private final Algorithms leaders; // between those of all hosts, where this rank is one
    private final HostTree tree;
    private final List<Run> runsHere;
    private final HostReductions reductions;
    private final ByteBuffer room = ByteBuffer.allocate(SMALL);

    /** @param all by messages alone */
    ByHost(Placement placement, Algorithms all, SharedSteps steps, Channel leaders) {
        this.placement = placement;
        this.rank = placement.self();
        this.host = placement.host();
        this.ranksOf = IntStream.range(0, placement.hosts()).mapToObj(placement::ranksOf).toArray(int[][]::new);
        this.all = all;
        this.here = new SharedArrays(steps);
        this.alone = ranksOf[host].length == 1;
        this.leads = ranksOf[host][0] == rank;
        this.leaders = new Algorithms(leaders, null);
        this.tree = new HostTree(placement.hostOf());
        this.runsHere = tree.of(new Run(host, host + 1)).stream()
                .map(run -> new Run(placement.indexHere(run.first()), placement.indexHere(run.end() - 1) + 1)).toList();
        this.reductions = new HostReductions(tree, leaders);
    }

    void barrier(CollectiveTracker.Call call) throws IOException {
        here.gatherSigns();
        if (leads) {
            leaders.barrier(call);
        }
        here.passSign();
    }

    <V> V broadcast(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root) throws IOException {
        if (codec instanceof ArrayCodec<V> arrays) {
            return broadcastArray(call, value, arrays, root);
        }
        byte[] bytes = broadcastArray(call, rank == root ? pack(value, codec) : null, ArrayCodec.BYTES, root);
        return bytes.length == 0 ? all.down(call, value, codec, root) : unpack(bytes, codec);
    }

    private <A> A broadcastArray(CollectiveTracker.Call call, @Nullable A values, ArrayCodec<A> codec, int root)
            throws IOException {
        boolean first = placement.isHere(root);
        A result = values;
        if (first && !alone) {
            result = here.broadcast(values, codec, placement.indexHere(root));
        }
        if (leads) {
            int from = placement.hostOf()[root];
            if (first) {
                leaders.passDown(call, result, codec, from);
            } else {
                result = leaders.down(call, null, codec, from);
            }
        }
        if (first && alone) {
            return codec.copy(result);
        }
        return first || alone ? codec.given(result) : here.broadcast(result, codec, 0);
    }

    /** @return on the root the values, elsewhere nothing that means anything */
    <V> List<V> gather(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec, int root) throws IOException {
        byte[] own = pack(value, codec);
        boolean atRoot = placement.isHere(root);
        List<byte[]> ofHost = alone
                ? List.of(own)
                : here.gather(own, ArrayCodec.BYTES, atRoot ? placement.indexHere(root) : 0);
        if (leads && !atRoot) {
            writeAll(call, root, ofHost);
        }
        if (rank != root) {
            if (own.length == 0) {
                all.send(call, root, value, codec);
            }
            return List.of();
        }
        byte[][] bytes = new byte[placement.hostOf().length][];
        for (int of = 0; of < ranksOf.length; of++) {
            List<byte[]> theirs = of == host ? ofHost : readAll(call, ranksOf[of][0], ranksOf[of].length);
            for (int i = 0; i < ranksOf[of].length; i++) {
                bytes[ranksOf[of][i]] = theirs.get(i);
            }
        }
        List<V> values = new ArrayList<>();
        for (int from = 0; from < bytes.length; from++) {
            values.add(bytes[from].length > 0
                    ? unpack(bytes[from], codec)
                    : from == rank ? codec.copy(value) : all.receive(call, from, codec));
        }
        return values;
    }

    <V> V scatter(CollectiveTracker.Call call, List<V> given, Codec<V> codec, int root) throws IOException {
        List<byte[]> bytes = new ArrayList<>();
        for (V each : given) {
            bytes.add(pack(each, codec));
        }
        boolean atRoot = placement.isHere(root);
        List<byte[]> ofHost = List.of();
        if (rank == root) {
            for (int to = 0; to < ranksOf.length; to++) {
                List<byte[]> theirs = Arrays.stream(ranksOf[to]).mapToObj(bytes::get).toList();
                if (to == host) {
                    ofHost = theirs;
                } else {
                    writeAll(call, ranksOf[to][0], theirs);
                }
            }
        } else if (leads && !atRoot) {
            ofHost = readAll(call, root, ranksOf[host].length);
        }
        byte[] own = alone
                ? ofHost.get(0)
                : here.scatter(ofHost, ArrayCodec.BYTES, atRoot ? placement.indexHere(root) : 0);
        for (int to = 0; rank == root && to < bytes.size(); to++) {
            if (bytes.get(to).length == 0 && to != root) {
                all.send(call, to, given.get(to), codec);
            }
        }
        return own.length > 0
                ? unpack(own, codec)
                : rank == root ? codec.copy(given.get(root)) : all.receive(call, root, codec);
    }

    <V> List<V> allGather(CollectiveTracker.Call call, @Nullable V value, Codec<V> codec) throws IOException {
        byte[] own = pack(value, codec);
        List<byte[]> ofHost = alone ? List.of(own) : here.gather(own, ArrayCodec.BYTES, 0);
        byte[] whole = null;
        if (leads) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            for (byte[] each : leaders.allGather(call, joined(ofHost), ArrayCodec.BYTES)) {
                out.write(each);
            }
            whole = out.toByteArray();
        }
        ByteArrayInputStream in = new ByteArrayInputStream(alone
                ? ArrayCodec.BYTES.given(whole)
                : here.broadcast(whole, ArrayCodec.BYTES, 0));
        byte[][] bytes = new byte[placement.hostOf().length][];
        for (int[] ranks : ranksOf) {
            for (int of : ranks) {
                bytes[of] = ArrayCodec.BYTES.read(in);
            }
        }
        List<V> values = new ArrayList<>();
        for (int from = 0; from < bytes.length; from++) {
            values.add(bytes[from].length > 0 ? unpack(bytes[from], codec) : all.down(call, value, codec, from));
        }
        return values;
    }

    private static byte[] joined(List<byte[]> arrays) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] each : arrays) {
            ArrayCodec.BYTES.write(each, out);
        }
        return out.toByteArray();
    }

    /** @return on rank 0 the result, elsewhere nothing that means anything */
    <A> A reduceToFirst(CollectiveTracker.Call call, A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        List<A> parts = combineHere(values, codec, each);
        return leads ? reductions.toFirst(call, parts, codec, each) : values;
    }

    <A> A allReduce(CollectiveTracker.Call call, A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        List<A> parts = combineHere(values, codec, each);
        A result = null;
        if (leads && leaders.suitsBlocks(codec.bytes(values))) {
            result = reductions.all(call, parts, codec, each);
        } else if (leads) {
            A first = reductions.toFirst(call, parts, codec, each);
            if (host == 0) {
                leaders.passDown(call, first, codec, 0);
            }
            result = host == 0 ? first : leaders.down(call, null, codec, 0);
        }
        return alone ? codec.given(result) : here.broadcast(result, codec, 0);
    }

    /** @return this rank's block */
    <A> A reduceScatter(CollectiveTracker.Call call, A values, ArrayCodec<A> codec, Elementwise<A> each)
            throws IOException {
        List<A> parts = combineHere(values, codec, each);
        List<A> blocks = new ArrayList<>();
        if (leads) {
            A piece = reductions.scatter(call, parts, codec, each, (array, of) -> blocksOf(array, ranksOf[of], codec));
            int at = 0;
            for (int of : ranksOf[host]) {
                A block = codec.block(values, of, placement.hostOf().length);
                System.arraycopy(piece, at, block, 0, codec.length(block));
                at += codec.length(block);
                blocks.add(block);
            }
        }
        return alone ? blocks.get(0) : here.scatter(blocks, codec, 0);
    }

    private <A> A blocksOf(A array, int[] ranks, ArrayCodec<A> codec) {
        List<A> blocks = Arrays.stream(ranks).mapToObj(of -> codec.block(array, of, placement.hostOf().length))
                .toList();
        A joined = codec.create(blocks.stream().mapToInt(codec::length).sum());
        int at = 0;
        for (A block : blocks) {
            System.arraycopy(block, 0, joined, at, codec.length(block));
            at += codec.length(block);
        }
        return joined;
    }

    /** @return on the rank that speaks for its host what comes of each subtree; elsewhere empty */
    private <A> List<A> combineHere(A values, ArrayCodec<A> codec, Elementwise<A> each) {
        return alone ? List.of(codec.copy(values)) : here.reduce(values, codec, each, runsHere, leads);
    }

    private <V> byte[] pack(@Nullable V value, Codec<V> codec) throws IOException {
        if (codec.bytes(value) > SMALL) {
            return ELSEWHERE;
        }
        return Post.bytes(value, codec, room);
    }

    private static <V> V unpack(byte[] bytes, Codec<V> codec) throws IOException {
        return codec.read(new ByteArrayInputStream(bytes));
    }

    private void writeAll(CollectiveTracker.Call call, int to, List<byte[]> arrays) throws IOException {
        all.channel().write(call, to, out -> {
            for (byte[] each : arrays) {
                ArrayCodec.BYTES.write(each, out);
            }
        });
    }

    private List<byte[]> readAll(CollectiveTracker.Call call, int from, int count) throws IOException {
        ChunkedInput in = all.channel().reader(call, from);
        List<byte[]> arrays = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            arrays.add(ArrayCodec.BYTES.read(in));
        }
        in.drain();
        return arrays;
    }
}
