package dev.lockstep.device;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;

import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.Tensors;
import dev.lockstep.torch.Tensors.Flat;
import dev.lockstep.world.Block;
import dev.lockstep.world.Group;
import dev.lockstep.world.Op;

/**
 * A group's collectives on arrays of DJL's PyTorch engine, which stay on the device they are on: between GPUs they go by
 * NCCL, on CPU by the group's own collectives, so that a program runs on either.
 *
 * <pre>{@code
 * DeviceCollectives device = DeviceCollectives.of(world, manager.getDevice());
 * NDArray sum = device.allReduce(gradient, Op.SUM);
 * }</pre>
 *
 * <p>
 * Elements are float32, float64, float16, bfloat16, int64, int32, int8 or uint8. Every rank gives an array of the same
 * type and, unless it is said, the same shape; what it gets is a new array of the same manager, through which gradients of
 * what it was given do not go. The device may still be at work on it when a call returns, in the stream in which the
 * engine's next work on it waits for it.
 *
 * <p>
 * Calls take their places among the group's other collectives: all ranks call the same in the same order. Before a GPU is
 * given work, the ranks tell each other what they are about to do. One that is in another call, or has another type, shape
 * or op, is named in an {@link IllegalStateException}, and one that does not come is named by the launcher. When NCCL
 * fails later, in the stream, the job ends and says so.
 *
 * <p>
 * For one thread at a time, send and receive included. All methods throw {@link IllegalArgumentException} for an array on
 * another device, or of another type.
 */
public final class DeviceCollectives {
    /** Many small arrays go as one of about so many bytes. */
    private static final long BUCKET_BYTES = 16 << 20;
    private static final int SHAPES_SHOWN = 8;
    private static final int HEADER = 0;
    private static final int READY = 1;

    private final Group ranks;
    private final Group beside; // the same ranks, whose messages and collectives are nobody else's
    private final Device device;
    private final Tensors tensors;
    private final Carrier carrier;

    /** What comes, so that its receiver need not know. */
    record Header(String type, long[] shape) {}

    private DeviceCollectives(Group ranks, Group beside, Device device, Tensors tensors, Carrier carrier) {
        this.ranks = ranks;
        this.beside = beside;
        this.device = device;
        this.tensors = tensors;
        this.carrier = carrier;
    }

    /**
     * Connects the GPUs of a group's ranks, once for all calls. A collective; what it takes is given back when the process
     * ends, so make one for a group and keep it.
     *
     * @param device where the arrays will be: {@code manager.getDevice()}; on all ranks of the same kind
     * @throws dev.lockstep.cuda.CudaException when there is no NCCL, with a sentence that says what to install, or when it
     *                                         cannot connect the GPUs
     */
    public static DeviceCollectives of(Group ranks, Device device) {
        Tensors tensors = Tensors.loaded();
        Group beside = ranks.group(0, ranks.rank());
        Carrier carrier = ranks.together("deviceCollectives", device.isGpu() ? "gpu" : "cpu", () -> {
            if (!device.isGpu() || ranks.size() == 1) {
                return new HostCarrier(beside, tensors);
            }
            return new NcclCarrier(NcclCarrier.connect(beside), ranks.rank(), ranks.size());
        });
        return new DeviceCollectives(ranks, beside, device, tensors, carrier);
    }

    /**
     * Combines the ranks' arrays, element by element, and every rank gets the result, the same to the last bit.
     *
     * <p>
     * Halves (float16, bfloat16) are rounded on GPUs after each addition; on CPU they are combined in float32 and rounded
     * once. The order of additions on GPUs is NCCL's.
     *
     * @param op SUM, PROD, MIN or MAX; AVG for other than whole numbers
     */
    public NDArray allReduce(NDArray values, Op op) {
        return allReduce(new NDList(values), op).get(0);
    }

    /**
     * {@link #allReduce(NDArray, Op)} of many arrays of one type, such as a model's gradients, in parts of about 16 MiB that
     * each hold several; one collective.
     *
     * @return the results, which are views into those parts
     */
    public NDList allReduce(NDList arrays, Op op) {
        if (arrays.isEmpty()) {
            throw new IllegalArgumentException("allReduce: a list without an array");
        }
        ScalarType type = type(arrays.get(0));
        check(type, op);
        List<long[]> shapes = new ArrayList<>();
        for (NDArray array : arrays) {
            if (type(array) != type) {
                throw new IllegalArgumentException("allReduce: a list with arrays of " + name(type) + " and of "
                        + name(type(array)) + ": take one list for each type");
            }
            shapes.add(tensors.shape(array));
        }
        return ranks.together("deviceAllReduce", details(type, shapes) + ", " + op, () -> {
            NDList results = new NDList(arrays.size());
            int start = 0;
            while (start < arrays.size()) {
                int end = start;
                long bytes = 0;
                while (end < arrays.size() && (end == start || bytes < BUCKET_BYTES)) {
                    bytes += count(shapes.get(end++)) * type.bytes();
                }
                reduceBucket(arrays.subList(start, end), shapes.subList(start, end), type, op, results);
                start = end;
            }
            return results;
        });
    }

    private void reduceBucket(List<NDArray> arrays, List<long[]> shapes, ScalarType type, Op op, NDList results) {
        try (Flat from = tensors.flat(arrays, type);
                PtNDArray all = tensors.empty(arrays.get(0).getManager(), device, type, from.count());
                Flat to = tensors.values(all, type)) {
            carry(from, to, () -> carrier.allReduce(from, to, op));
            long start = 0;
            for (int i = 0; i < arrays.size(); i++) {
                NDArray part = tensors.part(all, type, start, shapes.get(i));
                part.attach(arrays.get(i).getManager());
                results.add(part);
                start += count(shapes.get(i));
            }
        }
    }

    /**
     * Gives every rank the root's elements.
     *
     * @param values the root's; the others' has its shape and type, and its elements are not looked at
     */
    public NDArray broadcast(NDArray values, int root) {
        checkRank("root", root);
        return call("deviceBroadcast", values, ", root " + root, tensors.shape(values),
                (from, to) -> carrier.broadcast(from, to, root));
    }

    /** Gives every rank every rank's array, joined along the first dimension, by rank. */
    public NDArray allGather(NDArray values) {
        long[] shape = rows(values);
        shape[0] *= ranks.size();
        return call("deviceAllGather", values, "", shape, (from, to) -> carrier.allGather(from, to));
    }

    /**
     * Combines the ranks' arrays, element by element, and gives each rank its block of the result: of the first dimension
     * that which {@link Group#split(int)} gives it.
     *
     * @param op as for {@link #allReduce(NDArray, Op)}
     */
    public NDArray reduceScatter(NDArray values, Op op) {
        check(type(values), op);
        long[] shape = rows(values);
        long[] starts = starts(shape);
        shape[0] = ranks.split(Math.toIntExact(shape[0])).length();
        return call("deviceReduceScatter", values, ", " + op, shape,
                (from, to) -> carrier.reduceScatter(from, to, op, starts));
    }

    /**
     * Gives each rank its block of every rank's array, joined along the first dimension, by rank; blocks are those which
     * {@link Group#split(int)} cuts of the first dimension.
     */
    public NDArray allToAll(NDArray values) {
        long[] shape = rows(values);
        long[] starts = starts(shape);
        shape[0] = (long) ranks.size() * ranks.split(Math.toIntExact(shape[0])).length();
        return call("deviceAllToAll", values, "", shape, (from, to) -> carrier.allToAll(from, to, starts));
    }

    /**
     * Sends an array to one rank, which must {@link #receive} it; waits until it is about to.
     *
     * @param to another rank
     */
    public void send(NDArray values, int to) {
        checkPeer("send", to);
        ScalarType type = type(values);
        beside.send(new Header(type.name(), tensors.shape(values)), Header.class, to, HEADER);
        boolean unused = beside.receive(Boolean.class, to, READY);
        try (Flat from = tensors.flat(List.of(values), type)) {
            if (from.count() > 0) {
                carrier.send(from, to);
            }
        }
    }

    /**
     * Waits for the array that another rank {@linkplain #send sends}; those of one rank come in the order in which they
     * were sent.
     *
     * @param manager of the array
     */
    public NDArray receive(NDManager manager, int from) {
        checkPeer("receive", from);
        Header header = beside.receive(Header.class, from, HEADER);
        ScalarType type = ScalarType.valueOf(header.type());
        PtNDArray values = tensors.empty(manager, device, type, header.shape());
        beside.send(true, Boolean.class, from, READY);
        try (Flat to = tensors.values(values, type)) {
            if (to.count() > 0) {
                carrier.receive(to, from);
            }
        }
        return values;
    }

    /**
     * Sends an array to one rank and receives one from another, which may be the same, while it does; so ranks that all send
     * before they receive, as in a ring, do not wait for each other.
     *
     * @return what rank {@code from} has sent, which may be of another shape and type
     */
    public NDArray sendReceive(NDArray values, int to, int from) {
        checkPeer("sendReceive", to);
        checkPeer("sendReceive", from);
        ScalarType type = type(values);
        Header theirs = beside.sendReceive(new Header(type.name(), tensors.shape(values)), Header.class, to, from,
                HEADER);
        boolean unused = beside.sendReceive(true, Boolean.class, from, to, READY);
        ScalarType received = ScalarType.valueOf(theirs.type());
        PtNDArray result = tensors.empty(values.getManager(), device, received, theirs.shape());
        try (Flat out = tensors.flat(List.of(values), type); Flat in = tensors.values(result, received)) {
            carrier.sendReceive(out, to, in, from);
        }
        return result;
    }

    /** What a call does with values and room for its result. */
    private interface Carrying {
        void carry(Flat from, Flat to);
    }

    private NDArray call(String name, NDArray values, String more, long[] shape, Carrying carrying) {
        ScalarType type = type(values);
        return ranks.together(name, details(type, List.of(tensors.shape(values))) + more, () -> {
            PtNDArray result = tensors.empty(values.getManager(), device, type, shape);
            try (Flat from = tensors.flat(List.of(values), type); Flat to = tensors.values(result, type)) {
                carry(from, to, () -> carrying.carry(from, to));
            }
            return result;
        });
    }

    /** Of one rank every result is what it gave; of no element there is nothing to be done. */
    private void carry(Flat from, Flat to, Runnable carrying) {
        if (from.count() > 0 && ranks.size() == 1) {
            tensors.fill(to.array(), from.array());
        } else if (from.count() > 0) {
            carrying.run();
        }
    }

    private ScalarType type(NDArray values) {
        ScalarType type = tensors.type(values);
        if (!values.getDevice().equals(device)) {
            throw new IllegalArgumentException("an array on " + values.getDevice()
                    + ", where these collectives are for "
                    + "arrays on " + device + ": bring it there, or make DeviceCollectives of " + values.getDevice());
        }
        return type;
    }

    private static void check(ScalarType type, Op op) {
        boolean whole = Stream.of(ScalarType.INT8, ScalarType.UINT8, ScalarType.INT32, ScalarType.INT64)
                .anyMatch(type::equals);
        if (op.compareTo(Op.AVG) > 0) {
            throw new IllegalArgumentException(
                    "Op." + op + " is not for arrays on devices, for which NCCL has SUM, PROD, "
                            + "MIN, MAX and AVG");
        }
        if (op == Op.AVG && whole) {
            throw new IllegalArgumentException("Op.AVG is not for " + name(type)
                    + ": take Op.SUM and divide as you would have it rounded");
        }
    }

    private void checkRank(String what, int rank) {
        if (rank < 0 || rank >= ranks.size()) {
            throw new IllegalArgumentException(what + " " + rank + " is not a rank of " + ranks.size());
        }
    }

    private void checkPeer(String verb, int rank) {
        checkRank(verb + ": rank", rank);
        if (rank == ranks.rank()) {
            throw new IllegalArgumentException(verb + ": rank " + rank + " is this one, which has the array");
        }
    }

    /** The array's shape, of which there is at least one dimension. */
    private long[] rows(NDArray values) {
        long[] shape = tensors.shape(values);
        return shape.length == 0 ? new long[]{1} : shape;
    }

    /** Where each rank's block of rows begins, in elements, and where the last ends. */
    private long[] starts(long[] shape) {
        int rows = Math.toIntExact(shape[0]);
        long row = count(shape) / Math.max(1, rows);
        long[] starts = new long[ranks.size() + 1];
        for (int rank = 0; rank < ranks.size(); rank++) {
            starts[rank] = Block.of(rows, rank, ranks.size()).start() * row;
        }
        starts[ranks.size()] = rows * row;
        return starts;
    }

    private static long count(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    static String name(ScalarType type) {
        return type.name().toLowerCase(Locale.ROOT);
    }

    private static String details(ScalarType type, List<long[]> shapes) {
        String shown = shapes.stream().limit(SHAPES_SHOWN).map(Arrays::toString).collect(Collectors.joining(" "));
        int more = shapes.size() - SHAPES_SHOWN;
        // ranks that differ in what is not shown differ in its number
        return name(type) + " " + shown + (more <= 0
                ? ""
                : " and " + more + " more, together "
                        + Integer.toHexString(Arrays.deepHashCode(shapes.toArray(long[][]::new))));
    }
}
