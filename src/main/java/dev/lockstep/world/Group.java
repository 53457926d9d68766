package dev.lockstep.world;

import java.util.List;
import java.util.function.ToDoubleFunction;

import dev.lockstep.host.Share;
import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Members;
import dev.lockstep.world.verbs.Messages;

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
public sealed class Group extends ValueCollectives permits World {
    private final Session session;
    private final Members members;
    private final Collectives collectives;
    private final Messages messages;

    /**
     * The least or greatest of the ranks' numbers, and whose it is.
     *
     * @param rank that gave it; the lowest of several
     */
    public record Located<T> (T value, int rank) {}

    /**
     * The least or greatest of the numbers in the ranks' arrays, element by element, and whose each is.
     *
     * @param <A>   the arrays' type
     * @param ranks as many as values; of several that gave the same the lowest
     */
    public record LocatedAll<A> (A values, int[] ranks) {}

    Group(Session session, Members members) {
        this(session, members, session.collectives(members), session.messages(members));
    }

    private Group(Session session, Members members, Collectives collectives, Messages messages) {
        super(collectives, messages);
        this.session = session;
        this.members = members;
        this.collectives = collectives;
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

    /** Combines the ranks' numbers, and every rank gets the result, the same to the last bit. */
    public double allReduce(double value, Op op) {
        return doubles().allReduce(new double[]{value}, op)[0];
    }

    /** The same for whole numbers, which wrap around as Java's do. */
    public long allReduce(long value, Op op) {
        return longs().allReduce(new long[]{value}, op)[0];
    }

    /** The least of the ranks' numbers, a NaN if one is, and whose it is (MPI_MINLOC). */
    public Located<Double> minLocated(double value) {
        LocatedAll<double[]> all = doubles().minLocated(new double[]{value});
        return new Located<>(all.values()[0], all.ranks()[0]);
    }

    /** The greatest of the ranks' numbers, a NaN if one is, and whose it is (MPI_MAXLOC). */
    public Located<Double> maxLocated(double value) {
        LocatedAll<double[]> all = doubles().maxLocated(new double[]{value});
        return new Located<>(all.values()[0], all.ranks()[0]);
    }

    /** {@link #minLocated(double)} of whole numbers. */
    public Located<Long> minLocated(long value) {
        LocatedAll<long[]> all = longs().minLocated(new long[]{value});
        return new Located<>(all.values()[0], all.ranks()[0]);
    }

    /** {@link #maxLocated(double)} of whole numbers. */
    public Located<Long> maxLocated(long value) {
        LocatedAll<long[]> all = longs().maxLocated(new long[]{value});
        return new Located<>(all.values()[0], all.ranks()[0]);
    }

    /** The same verbs for arrays of bytes. */
    public Buffers<byte[]> bytes() {
        return buffers(ArrayCodec.BYTES);
    }

    /** The same verbs for arrays of ints. */
    public Buffers<int[]> ints() {
        return buffers(ArrayCodec.INTS);
    }

    /** The same verbs for arrays of longs. */
    public Buffers<long[]> longs() {
        return buffers(ArrayCodec.LONGS);
    }

    /** The same verbs for arrays of floats. */
    public Buffers<float[]> floats() {
        return buffers(ArrayCodec.FLOATS);
    }

    /** The same verbs for arrays of doubles. */
    public Buffers<double[]> doubles() {
        return buffers(ArrayCodec.DOUBLES);
    }

    <A> Buffers<A> buffers(ArrayCodec<A> codec) {
        return new Buffers<>(this, collectives, messages, codec);
    }
}
