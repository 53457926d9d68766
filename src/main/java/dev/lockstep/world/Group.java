package dev.lockstep.world;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

import com.fasterxml.jackson.core.type.TypeReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Share;
import dev.lockstep.world.verbs.ArrayCodec;
import dev.lockstep.world.verbs.Codec;
import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Farm;
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
public sealed class Group extends ValueCollectives permits World {
    private final Session session;
    private final Members members;
    private final Collectives collectives;
    private final Messages messages;
    private final Beside beside;
    private final Duration limit; // zero: none

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

    /** A call {@linkplain #within with a limit} has waited for a message for so long; the world goes on. */
    public static final class TimeoutException extends RuntimeException {
        private static final long serialVersionUID = 1;

        TimeoutException(String message) {
            super(message);
        }
    }

    /** Collectives that have been begun, which all views of a group do one after the other. */
    private static final class Beside {
        private @Nullable Group group; // the same ranks, with a sequence of collectives of its own
        private CompletableFuture<?> last = CompletableFuture.completedFuture(true);
    }

    Group(Session session, Members members) {
        this(session, members, session.collectives(members), session.messages(members), new Beside(), Duration.ZERO);
    }

    private Group(Session session, Members members, Collectives collectives, Messages messages, Beside beside,
            Duration limit) {
        super(collectives, messages);
        this.session = session;
        this.members = members;
        this.collectives = collectives;
        this.messages = messages;
        this.beside = beside;
        this.limit = limit;
    }

    Session session() {
        return session;
    }

    /** This rank, from 0 (MPI_Comm_rank, mpi4py's {@code Get_rank}). */
    public final int rank() {
        return members.self();
    }

    /** Number of ranks (MPI_Comm_size, {@code Get_size}). */
    public final int size() {
        return members.size();
    }

    /** Whether this is rank 0. */
    public final boolean isRoot() {
        return rank() == 0;
    }

    /**
     * Forms groups, of those ranks that give the same colour (MPI_Comm_split, {@code Split}). A collective of this group.
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

    /** Waits until every rank has called it (MPI_Barrier, {@code Barrier}). */
    public void barrier() {
        collectives.barrier();
    }

    /**
     * These ranks, with a limit for each call. A collective that takes longer ends the job as
     * {@code --timeout-collective} does, with exit code 124 and a line that names who has not come: ranks that have given up
     * and ranks that have not would never be in step again. A message is another matter: {@code receive}, and {@code send}
     * that waits for its receiver, throw a {@link TimeoutException} after so long, and all goes on. What was not received can
     * be received later; what was not taken stays under way.
     *
     * <pre>{@code
     * world.within(Duration.ofSeconds(5)).barrier();
     * }</pre>
     *
     * @throws IllegalArgumentException when it is not above zero
     */
    public Group within(Duration limit) {
        if (limit.isZero() || limit.isNegative()) {
            throw new IllegalArgumentException("a limit of " + limit + ": give a time above zero");
        }
        return new Group(session, members, collectives.within(session.alarm(members, limit)),
                messages.within(limit.toNanos(), TimeoutException::new), beside, limit);
    }

    /**
     * Begins collectives and does not wait for them (MPI_Ibarrier, MPI_Iallreduce and the others; mpi4py's {@code Ibarrier}).
     * All ranks begin the same ones in the same order; between these and those that are waited for there is no order. What
     * they are given must not change before they have been awaited.
     *
     * <pre>{@code
     * Pending<double[]> sum = world.begin(ranks -> ranks.doubles().allReduce(gradient, Op.SUM));
     * }</pre>
     *
     * <p>
     * They cost a thread, which does them one after the other while the rank goes on, and a little more time each than those
     * that are waited for: they are worth it where the rank has something to do meanwhile, and a processor for it.
     *
     * @param calls gets these ranks; may call several
     * @return gives what the calls have given
     */
    public <T> Pending<T> begin(Function<? super Group, ? extends T> calls) {
        session.ending().checkOpen();
        synchronized (beside) {
            Group other = beside.group;
            if (other == null) {
                other = new Group(session, members.begun());
                beside.group = other;
            }
            Group ranks = limit.isZero() ? other : other.within(limit);
            CompletableFuture<T> begun = Messages.after(beside.last, () -> calls.apply(ranks));
            beside.last = begun;
            return new Pending<>(begun);
        }
    }

    /** {@link #begin Begins} a {@link #barrier} (MPI_Ibarrier, {@code Ibarrier}); what it gives says nothing. */
    public Pending<Boolean> ibarrier() {
        return begin(ranks -> {
            ranks.barrier();
            return true;
        });
    }

    /** {@link #begin Begins} a broadcast (MPI_Ibcast). */
    public <T> Pending<T> ibroadcast(@Nullable T value, Class<T> type, int root) {
        return begin(ranks -> ranks.broadcast(value, type, root));
    }

    /** {@link #begin Begins} a gather (MPI_Igather). */
    public <T> Pending<Optional<List<T>>> igather(@Nullable T value, Class<T> type, int root) {
        return begin(ranks -> ranks.gather(value, type, root));
    }

    /** {@link #begin Begins} an allGather (MPI_Iallgather). */
    public <T> Pending<List<T>> iallGather(@Nullable T value, Class<T> type) {
        return begin(ranks -> ranks.allGather(value, type));
    }

    /** {@link #begin Begins} an allReduce (MPI_Iallreduce). */
    public <T> Pending<T> iallReduce(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return begin(ranks -> ranks.allReduce(value, type, function));
    }

    /**
     * Has all ranks do tasks that rank 0 has: each gets another whenever it is through with one, so that none waits while
     * there are some, however long they take. Rank 0 deals them from a thread that sleeps between messages, and does tasks
     * itself, since most ranks have a processor or a GPU to themselves that would do nothing otherwise. A collective; ranks
     * leave it when there is no more for them. (mpi4py's {@code MPIPoolExecutor.map}, without its processes.)
     *
     * <pre>{@code
     * Optional<List<Area>> areas = world.farm(rectangles, Rectangle.class, Area.class, Rectangle::area);
     * }</pre>
     *
     * <p>
     * An exception of a task ends the call with one that names the task. A task that takes longer than
     * {@code --timeout-collective} should call {@link World#alive} now and then.
     *
     * @param tasks on rank 0; the others' are not looked at and may be null
     * @param work  must not call collectives of this group
     * @return on rank 0 what came of each task, in the order of the tasks; elsewhere empty
     * @throws IllegalStateException when a task has thrown an exception
     */
    public <T, R> Optional<List<R>> farm(@Nullable List<? extends T> tasks, Class<T> task, Class<R> result,
            Function<? super T, ? extends R> work) {
        return farm(tasks, codec(task), codec(result), work);
    }

    /** {@link #farm(List, Class, Class, Function)} for types with parameters. */
    public <T, R> Optional<List<R>> farm(@Nullable List<? extends T> tasks, TypeReference<T> task,
            TypeReference<R> result, Function<? super T, ? extends R> work) {
        return farm(tasks, codec(task), codec(result), work);
    }

    private <T, R> Optional<List<R>> farm(@Nullable List<? extends T> tasks, Codec<T> task, Codec<R> result,
            Function<? super T, ? extends R> work) {
        if (isRoot() && tasks == null) {
            throw new IllegalArgumentException("farm: rank 0 gives no list of tasks");
        }
        Farm<T, R> farm = new Farm<>(session.messages(members.farm()), members, task, result, work, session::atWork);
        return collectives.together(Verb.FARM, () -> {
            if (isRoot() && tasks != null) {
                return Optional.of(farm.deal(tasks));
            }
            farm.work();
            return Optional.empty();
        });
    }

    /**
     * A collective that is done by other means than this library's, which takes its place in the order of the others: waits
     * until all ranks have called it with the same words, and then does the work, in which a rank may wait for others.
     *
     * @param name    of the collective, as it is to be called where ranks do not agree or one does not come
     * @param details what ranks must agree on, such as a type and a number; may be empty
     * @param work    must not call collectives of this group
     * @throws IllegalStateException when another rank has other words
     */
    public <R> R together(String name, String details, Supplier<R> work) {
        return collectives.agreed(name, details, work);
    }

    /** These ranks as a {@link Grid}; sends nothing. */
    public Grid grid(int[] dimensions, boolean... periodic) {
        return new Grid(this, dimensions, periodic);
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
