package dev.lockstep.device;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.Tensors;
import dev.lockstep.torch.Tensors.Flat;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;

/**
 * Of arrays on CPU, by the world's collectives. Halves (float16, bfloat16) are combined in float32 and rounded once, while
 * NCCL rounds whenever it has combined two: of two ranks the result is the same, of more it is the nearer one.
 */
final class HostCarrier implements Carrier {
    private static final int TAG = 2;

    private final Group ranks;
    private final Tensors tensors;

    HostCarrier(Group ranks, Tensors tensors) {
        this.ranks = ranks;
        this.tensors = tensors;
    }

    @Override
    public void allReduce(Flat from, Flat to, Op op) {
        if (from.type() == ScalarType.FLOAT16 || from.type() == ScalarType.BFLOAT16) {
            try (Flat wide = tensors.widened(from)) {
                combine(wide, wide, op);
                tensors.fill(to.array(), wide.array());
            }
        } else {
            combine(from, to, op);
        }
    }

    private void combine(Flat from, Flat to, Op op) {
        int n = length(from);
        switch (from.type()) {
            case FLOAT32 -> to.memory().write(0, ranks.floats().allReduce(from.memory().getFloatArray(0, n), op), 0, n);
            case FLOAT64 -> to.memory().write(0, ranks.doubles().allReduce(from.memory().getDoubleArray(0, n), op), 0,
                    n);
            case INT32 -> to.memory().write(0, ranks.ints().allReduce(from.memory().getIntArray(0, n), op), 0, n);
            case INT64 -> to.memory().write(0, ranks.longs().allReduce(from.memory().getLongArray(0, n), op), 0, n);
            case INT8 -> put(ranks.bytes().allReduce(bytes(from, 0, n), op), to, 0);
            case UINT8 -> {
                // Java's bytes have a sign, which the least and the greatest depend on
                byte[] mine = bytes(from, 0, n);
                int[] all = ranks.ints().allReduce(IntStream.range(0, n).map(i -> mine[i] & 0xff).toArray(), op);
                for (int i = 0; i < n; i++) {
                    mine[i] = (byte) all[i];
                }
                put(mine, to, 0);
            }
            default -> throw new AssertionError(from.type());
        }
    }

    @Override
    public void broadcast(Flat from, Flat to, int root) {
        put(ranks.bytes().broadcast(ranks.rank() == root ? bytes(from, 0, from.count()) : null, root), to, 0);
    }

    @Override
    public void allGather(Flat from, Flat to) {
        put(ranks.bytes().allGather(bytes(from, 0, from.count())), to);
    }

    @Override
    public void reduceScatter(Flat from, Flat to, Op op, long[] starts) {
        try (Flat all = tensors.flatLike(from)) {
            allReduce(from, all, op);
            put(bytes(all, starts[ranks.rank()], to.count()), to, 0);
        }
    }

    @Override
    public void allToAll(Flat from, Flat to, long[] starts) {
        put(ranks.bytes().allToAll(IntStream.range(0, ranks.size())
                .mapToObj(rank -> bytes(from, starts[rank], starts[rank + 1] - starts[rank])).toList()), to);
    }

    @Override
    public void send(Flat from, int to) {
        ranks.bytes().send(bytes(from, 0, from.count()), to, TAG);
    }

    @Override
    public void receive(Flat to, int from) {
        put(ranks.bytes().receive(from, TAG), to, 0);
    }

    @Override
    public void sendReceive(Flat from, int toRank, Flat to, int fromRank) {
        put(ranks.bytes().sendReceive(bytes(from, 0, from.count()), toRank, fromRank, TAG), to, 0);
    }

    private static int length(Flat values) {
        if (values.count() * values.type().bytes() > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("an array of " + values.count() + " elements of "
                    + DeviceCollectives.name(values.type())
                    + " on CPU does not go between ranks, which takes less than "
                    + "2 GiB: take parts of it");
        }
        return (int) values.count();
    }

    private static byte[] bytes(Flat values, long start, long count) {
        int checked = length(values);
        return count == 0 || checked == 0
                ? new byte[0]
                : values.at(start).getByteArray(0, (int) count * values.type().bytes());
    }

    private static void put(byte[] bytes, Flat to, long start) {
        if (bytes.length > 0) {
            to.at(start).write(0, bytes, 0, bytes.length);
        }
    }

    private static void put(List<byte[]> parts, Flat to) {
        int checked = length(to);
        long start = 0;
        for (byte[] part : parts) {
            put(part, to, start);
            start += part.length / to.type().bytes();
        }
        assert start == checked : Arrays.toString(parts.stream().mapToInt(part -> part.length).toArray());
    }
}
