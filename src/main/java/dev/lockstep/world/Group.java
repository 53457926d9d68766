package dev.lockstep.world;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

import com.fasterxml.jackson.core.type.TypeReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Share;
import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Members;
import dev.lockstep.world.verbs.Messages;
import dev.lockstep.world.verbs.Verb;

/**
 * Some ranks of a job, seen from one of them; {@link World} is all of them, and {@link #group} makes others. Ranks count
 * from 0 within the group. Every rank of a group calls the same collectives in the same order; each call waits until the
 * others have come as far as it needs.
 *
 * <p>
 * Values travel as JSON written and read by Jackson (records, lists, maps, strings, numbers, null), never as serialized
 * Java objects; the receiver says which type it reads. What a rank receives, its own share included, has been through
 * JSON, and no rank gets another's object: a program that works with one rank works with many. Arrays of numbers travel
 * as they are through {@link #bytes()}, {@link #ints()}, {@link #longs()}, {@link #floats()} and {@link #doubles()},
 * which have the same verbs.
 *
 * <p>
 * A value may be of any size that the heap of its receiver holds: it is sent in parts of at most 1 MiB and is never in
 * memory as a whole but for the value itself. Outside the heap a rank needs one buffer of 1 MiB for every message under
 * way and rank it talks to at the same time, two in most verbs, which MPJ Express may keep: 256 MiB suffice for any size of
 * values and 1 GiB ({@code -XX:MaxDirectMemorySize} in conf/jvm.options) is what a rank may take.
 *
 * <p>
 * All verbs that take values throw {@link IllegalArgumentException} when values of the type cannot be written as JSON or
 * made of it again, saying what the type lacks, and {@link java.io.UncheckedIOException} when what came is not of the
 * type. A rank that notices that another is in a
 * different collective throws {@link IllegalStateException}. The job cannot go on after any of these.
 *
 * <p>
 * Collectives are for one thread at a time; send, receive and all other methods may be called from any thread.
 */
public sealed class Group extends PointToPoint permits World {
    private final Session session;
    private final Members members;
    private final Collectives collectives;
    private final Messages messages;

    Group(Session session, Members members) {
        this(session, members, session.messages(members));
    }

    private Group(Session session, Members members, Messages messages) {
        super(messages);
        this.session = session;
        this.members = members;
        this.collectives = session.collectives(members);
        this.messages = messages;
    }

    Session session() {
        return session;
    }

    /** This rank, from 0. */
    public final int rank() {
        return members.self();
    }

    /** Number of ranks. */
    public final int size() {
        return members.size();
    }

    /** Whether this is rank 0. */
    public final boolean isRoot() {
        return rank() == 0;
    }

    /**
     * Forms groups, of those ranks that give the same colour. A collective of this group.
     *
     * @param colour any number
     * @param key    orders the ranks of the new group; equal keys go by the rank in this one
     * @return the group that this rank is in
     */
    public Group group(int colour, int key) {
        return new Group(session, session.form(members, collectives, colour, key));
    }

    /** {@link #group(int, int)} in the order of the ranks. */
    public Group group(int colour) {
        return group(colour, 0);
    }

    /** This rank's share of n items: contiguous, sizes differ by at most one, empty when there are too few. */
    public Block split(int n) {
        return Block.of(n, rank(), size());
    }

    /**
     * This rank's share of a list that all ranks have, as {@link #split(int)} gives it; a view, which knows the place of
     * its first item in the list.
     */
    public <T> Share<T> split(List<T> items) {
        return ListSplits.block(items, rank(), size());
    }

    /**
     * As many items for every rank: contiguous shares of n / size, rounded up, and where the list is at its end its last
     * item again. After a gather all the repeated items are at the end: {@code subList(0, n)} is without them. A view,
     * whose places are those after such a gather.
     */
    public <T> Share<T> splitPadded(List<T> items) {
        return ListSplits.padded(items, rank(), size());
    }

    /**
     * This rank's share when the items are dealt out one by one: rank, rank + size, ...; a view. It is no {@link Share}:
     * what depends on an item's place in the list has to be told it.
     */
    public <T> List<T> splitRoundRobin(List<T> items) {
        return ListSplits.roundRobin(items, rank(), size());
    }

    /** This rank's contiguous share when all ranks are to get about the same weight; see {@link Block#byWeight}. A view. */
    public <T> Share<T> splitByWeight(List<T> items, ToDoubleFunction<? super T> weight) {
        return ListSplits.byWeight(items, weight, rank(), size());
    }

    /** Waits until every rank has called it. */
    public void barrier() {
        collectives.barrier();
    }

    /**
     * Gives every rank the root's value.
     *
     * @param value the root's; the others' is not looked at and may be null
     */
    public <T> T broadcast(@Nullable T value, Class<T> type, int root) {
        return collectives.broadcast(value, codec(type), root);
    }

    /** {@link #broadcast(Object, Class, int)} from rank 0. */
    public <T> T broadcast(@Nullable T value, Class<T> type) {
        return broadcast(value, type, 0);
    }

    /** {@link #broadcast(Object, Class, int)} for types with parameters. */
    public <T> T broadcast(@Nullable T value, TypeReference<T> type, int root) {
        return collectives.broadcast(value, codec(type), root);
    }

    /** {@link #broadcast(Object, Class, int)} from rank 0, for types with parameters. */
    public <T> T broadcast(@Nullable T value, TypeReference<T> type) {
        return broadcast(value, type, 0);
    }

    /**
     * Gives each rank its value of the root's list.
     *
     * @param values on the root one per rank, by rank; the others' is not looked at and may be null
     * @return this rank's value
     */
    public <T> T scatter(@Nullable List<T> values, Class<T> type, int root) {
        return collectives.scatter(values, codec(type), root);
    }

    /** {@link #scatter(List, Class, int)} from rank 0. */
    public <T> T scatter(List<T> values, Class<T> type) {
        return scatter(values, type, 0);
    }

    /** {@link #scatter(List, Class, int)} for types with parameters. */
    public <T> T scatter(List<T> values, TypeReference<T> type, int root) {
        return collectives.scatter(values, codec(type), root);
    }

    /** {@link #scatter(List, Class, int)} from rank 0, for types with parameters. */
    public <T> T scatter(List<T> values, TypeReference<T> type) {
        return scatter(values, type, 0);
    }

    /**
     * Gives the root every rank's value.
     *
     * @return on the root the values, by rank, a null where a rank gave null; elsewhere empty
     */
    public <T> Optional<List<T>> gather(@Nullable T value, Class<T> type, int root) {
        return collectives.gather(value, codec(type), root);
    }

    /** {@link #gather(Object, Class, int)} to rank 0. */
    public <T> Optional<List<T>> gather(T value, Class<T> type) {
        return gather(value, type, 0);
    }

    /** {@link #gather(Object, Class, int)} for types with parameters. */
    public <T> Optional<List<T>> gather(T value, TypeReference<T> type, int root) {
        return collectives.gather(value, codec(type), root);
    }

    /** {@link #gather(Object, Class, int)} to rank 0, for types with parameters. */
    public <T> Optional<List<T>> gather(T value, TypeReference<T> type) {
        return gather(value, type, 0);
    }

    /**
     * Gives the root the items of all ranks as one list, by rank: what {@link #split(List)} took apart is in order again.
     *
     * @return on the root the items; elsewhere empty
     */
    public <T> Optional<List<T>> gatherAll(List<T> items, Class<T> type, int root) {
        return flat(collectives.gather(items, codec(type).list(), root));
    }

    /** {@link #gatherAll(List, Class, int)} to rank 0. */
    public <T> Optional<List<T>> gatherAll(List<T> items, Class<T> type) {
        return gatherAll(items, type, 0);
    }

    /** {@link #gatherAll(List, Class, int)} for types with parameters. */
    public <T> Optional<List<T>> gatherAll(List<T> items, TypeReference<T> type, int root) {
        return flat(collectives.gather(items, codec(type).list(), root));
    }

    /** {@link #gatherAll(List, Class, int)} to rank 0, for types with parameters. */
    public <T> Optional<List<T>> gatherAll(List<T> items, TypeReference<T> type) {
        return gatherAll(items, type, 0);
    }

    /**
     * Hands the items of all ranks to a consumer on the root, one at a time and by rank, so that more of them can be
     * gathered than fit into its memory; a rank's items may be made as they are asked for.
     *
     * @param items    this rank's
     * @param consumer is called on the root only, in the calling thread; while it works the other ranks wait
     */
    public <T> void gatherEach(Iterable<? extends T> items, Class<T> type, int root, Consumer<? super T> consumer) {
        collectives.gatherEach(items, codec(type), root, consumer);
    }

    /** {@link #gatherEach(Iterable, Class, int, Consumer)} to rank 0. */
    public <T> void gatherEach(Iterable<? extends T> items, Class<T> type, Consumer<? super T> consumer) {
        gatherEach(items, type, 0, consumer);
    }

    /** {@link #gatherEach(Iterable, Class, int, Consumer)} for types with parameters. */
    public <T> void gatherEach(Iterable<? extends T> items, TypeReference<T> type, int root,
            Consumer<? super T> consumer) {
        collectives.gatherEach(items, codec(type), root, consumer);
    }

    /** {@link #gatherEach(Iterable, Class, int, Consumer)} to rank 0, for types with parameters. */
    public <T> void gatherEach(Iterable<? extends T> items, TypeReference<T> type, Consumer<? super T> consumer) {
        gatherEach(items, type, 0, consumer);
    }

    /** Gives every rank every rank's value, by rank. */
    public <T> List<T> allGather(@Nullable T value, Class<T> type) {
        return collectives.allGather(value, codec(type), Verb.ALL_GATHER);
    }

    /** {@link #allGather(Object, Class)} for types with parameters. */
    public <T> List<T> allGather(T value, TypeReference<T> type) {
        return collectives.allGather(value, codec(type), Verb.ALL_GATHER);
    }

    /**
     * Gives each rank its value of every rank's list.
     *
     * @param values one per rank, by rank
     * @return what the ranks had for this one, by rank
     */
    public <T> List<T> allToAll(List<T> values, Class<T> type) {
        return collectives.allToAll(values, codec(type));
    }

    /** {@link #allToAll(List, Class)} for types with parameters. */
    public <T> List<T> allToAll(List<T> values, TypeReference<T> type) {
        return collectives.allToAll(values, codec(type));
    }

    /**
     * Combines the ranks' values into one on the root.
     *
     * @param function associative; it gets its arguments in the order of the ranks and is applied in the same order every
     *                 time the job has as many ranks, so that rounding is the same too
     * @return on the root the result; elsewhere, and for a null result, empty
     */
    public <T> Optional<T> reduce(@Nullable T value, Class<T> type, BinaryOperator<T> function, int root) {
        return collectives.reduce(value, codec(type), function, root);
    }

    /** {@link #reduce(Object, Class, BinaryOperator, int)} to rank 0. */
    public <T> Optional<T> reduce(T value, Class<T> type, BinaryOperator<T> function) {
        return reduce(value, type, function, 0);
    }

    /** {@link #reduce(Object, Class, BinaryOperator, int)} for types with parameters. */
    public <T> Optional<T> reduce(T value, TypeReference<T> type, BinaryOperator<T> function, int root) {
        return collectives.reduce(value, codec(type), function, root);
    }

    /** {@link #reduce(Object, Class, BinaryOperator, int)} to rank 0, for types with parameters. */
    public <T> Optional<T> reduce(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return reduce(value, type, function, 0);
    }

    /** As {@link #reduce(Object, Class, BinaryOperator, int)}, and every rank gets the result, the same to the last bit. */
    public <T> T allReduce(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return collectives.allReduce(value, codec(type), function);
    }

    /** {@link #allReduce(Object, Class, BinaryOperator)} for types with parameters. */
    public <T> T allReduce(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return collectives.allReduce(value, codec(type), function);
    }

    /**
     * Combines each rank's value with those of all ranks before it, in their order (MPI_Scan). From rank to rank, so the time
     * grows with their number.
     *
     * @return what the ranks up to this one have, combined
     */
    public <T> T scan(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return collectives.scan(value, codec(type), function);
    }

    /** {@link #scan(Object, Class, BinaryOperator)} for types with parameters. */
    public <T> T scan(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return collectives.scan(value, codec(type), function);
    }

    /** As {@link #scan(Object, Class, BinaryOperator)} without this rank's own (MPI_Exscan): on rank 0 empty. */
    public <T> Optional<T> exscan(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return collectives.exscan(value, codec(type), function);
    }

    /** {@link #exscan(Object, Class, BinaryOperator)} for types with parameters. */
    public <T> Optional<T> exscan(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return collectives.exscan(value, codec(type), function);
    }

    /** Combines the ranks' numbers, and every rank gets the result, the same to the last bit. */
    public double allReduce(double value, Op op) {
        return doubles().allReduce(new double[]{value}, op)[0];
    }

    /** The same for whole numbers, which wrap around as Java's do. */
    public long allReduce(long value, Op op) {
        return longs().allReduce(new long[]{value}, op)[0];
    }

    /** The same verbs for arrays of bytes. */
    public Buffers<byte[]> bytes() {
        return new Buffers<>(collectives, messages, ArrayCodec.BYTES, size());
    }

    /** The same verbs for arrays of ints. */
    public Buffers<int[]> ints() {
        return new Buffers<>(collectives, messages, ArrayCodec.INTS, size());
    }

    /** The same verbs for arrays of longs. */
    public Buffers<long[]> longs() {
        return new Buffers<>(collectives, messages, ArrayCodec.LONGS, size());
    }

    /** The same verbs for arrays of floats. */
    public Buffers<float[]> floats() {
        return new Buffers<>(collectives, messages, ArrayCodec.FLOATS, size());
    }

    /** The same verbs for arrays of doubles. */
    public Buffers<double[]> doubles() {
        return new Buffers<>(collectives, messages, ArrayCodec.DOUBLES, size());
    }

    private static <T> Optional<List<T>> flat(Optional<List<List<T>>> lists) {
        return lists.map(all -> {
            List<T> flat = new ArrayList<>();
            all.forEach(flat::addAll);
            return flat;
        });
    }
}
