package dev.lockstep.world;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;

import com.fasterxml.jackson.core.type.TypeReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.world.verbs.Collectives;
import dev.lockstep.world.verbs.Messages;
import dev.lockstep.world.verbs.Verb;

/** Collectives of values, which every rank of a {@link Group} calls, in the same order. */
public abstract sealed class ValueCollectives extends PointToPoint permits Group {
    private final Collectives collectives;

    ValueCollectives(Collectives collectives, Messages messages) {
        super(messages);
        this.collectives = collectives;
    }

    /**
     * Gives every rank the root's value (MPI_Bcast, mpi4py's {@code bcast}).
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
     * Gives each rank its value of the root's list (MPI_Scatter, {@code scatter}).
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
     * Gives the root every rank's value (MPI_Gather, {@code gather}).
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
     * Gives the root the items of all ranks as one list, by rank: what {@link Group#split(List)} took apart is in order again.
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

    /** Gives every rank every rank's value, by rank (MPI_Allgather, {@code allgather}). */
    public <T> List<T> allGather(@Nullable T value, Class<T> type) {
        return collectives.allGather(value, codec(type), Verb.ALL_GATHER);
    }

    /** {@link #allGather(Object, Class)} for types with parameters. */
    public <T> List<T> allGather(T value, TypeReference<T> type) {
        return collectives.allGather(value, codec(type), Verb.ALL_GATHER);
    }

    /**
     * Gives each rank its value of every rank's list (MPI_Alltoall, {@code alltoall}).
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
     * Combines the ranks' values into one on the root (MPI_Reduce, {@code reduce}).
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

    /**
     * As {@link #reduce(Object, Class, BinaryOperator, int)}, and every rank gets the result, the same to the last bit
     * (MPI_Allreduce, {@code allreduce}).
     */
    public <T> T allReduce(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return collectives.allReduce(value, codec(type), function);
    }

    /** {@link #allReduce(Object, Class, BinaryOperator)} for types with parameters. */
    public <T> T allReduce(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return collectives.allReduce(value, codec(type), function);
    }

    /**
     * Combines each rank's value with those of all ranks before it, in their order (MPI_Scan, {@code scan}). From rank to rank, so the time
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

    /** As {@link #scan(Object, Class, BinaryOperator)} without this rank's own (MPI_Exscan, {@code exscan}): on rank 0 empty. */
    public <T> Optional<T> exscan(@Nullable T value, Class<T> type, BinaryOperator<T> function) {
        return collectives.exscan(value, codec(type), function);
    }

    /** {@link #exscan(Object, Class, BinaryOperator)} for types with parameters. */
    public <T> Optional<T> exscan(T value, TypeReference<T> type, BinaryOperator<T> function) {
        return collectives.exscan(value, codec(type), function);
    }

    private static <T> Optional<List<T>> flat(Optional<List<List<T>>> lists) {
        return lists.map(all -> {
            List<T> flat = new ArrayList<>();
            all.forEach(flat::addAll);
            return flat;
        });
    }
}
