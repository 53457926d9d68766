package dev.lockstep.world;

import java.time.Duration;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Ranks that are threads of this JVM, for unit tests and debuggers: the same verbs, checks and messages as between processes,
 * without a launcher, a network or MPJ Express. Any number of them; several runs may go on at once.
 *
 * <pre>{@code
 * List<Integer> sums = Worlds.run(4, world -> world.allReduce(world.rank(), Integer.class, Integer::sum));
 * }</pre>
 *
 * <p>
 * What differs from processes: static variables are those of all ranks. A program's own main method can be run, since
 * {@link World#init} in a rank's thread gives that rank's world, but it must not end the JVM. {@link World#abort} and
 * {@link World#exit} unwind the rank's thread, by an error that the program lets through. What ranks would have the launcher
 * show of their progress is shown to nobody. Every rank computes on {@code cpu}. A message that is too long to be sent at
 * once ({@code isend} apart) always waits for its receiver, which processes do from some length on.
 */
public final class Worlds {
    /** How long ranks may be kept waiting by one that gives no sign, unless something else is said: 30 seconds. */
    public static final Duration TIMEOUT = Duration.ofSeconds(30);

    private Worlds() {}

    /** What every rank does. */
    @FunctionalInterface
    public interface Program<R extends @Nullable Object, E extends Exception> {
        R run(World world) throws E;
    }

    /** What every rank does, without a result. */
    @FunctionalInterface
    public interface Task<E extends Exception> {
        void run(World world) throws E;
    }

    /** {@link #run(int, Duration, Program)} with {@link #TIMEOUT}; without any in a JVM that a debugger may stop. */
    public static <R extends @Nullable Object, E extends Exception> List<R> run(int ranks, Program<R, E> program)
            throws E {
        return run(ranks, RankThreads.mayBeStopped() ? Duration.ZERO : TIMEOUT, program);
    }

    /**
     * Runs a program as so many ranks and waits for all of them.
     *
     * @param ranks   how many, 1 or more
     * @param timeout how long a rank may keep others waiting in a collective, or for a message, without a sign of life, as with
     *                the launcher's {@code --timeout-collective}; zero: for ever
     * @return what each rank has returned, by rank; null for one that has called {@link World#exit} with 0
     * @throws E                     what a rank has thrown first, itself, as are errors and unchecked exceptions, with a
     *                               suppressed exception that names the rank; all others are ended
     * @throws IllegalStateException when ranks are in different collectives, one has ended where others wait for it, one does
     *                               not come in time, or one has called {@link World#abort}, or {@link World#exit} with a code
     *                               other than 0; in the launcher's words
     */
    public static <R extends @Nullable Object, E extends Exception> List<R> run(int ranks, Duration timeout,
            Program<R, E> program) throws E {
        if (ranks < 1) {
            throw new IllegalArgumentException("a world has 1 rank or more, not " + ranks);
        }
        return new RankThreads(ranks, timeout).run(program);
    }

    /** {@link #run(int, Program)} for programs without a result. */
    public static <E extends Exception> void each(int ranks, Task<E> task) throws E {
        run(ranks, noResult(task));
    }

    /** {@link #run(int, Duration, Program)} for programs without a result. */
    public static <E extends Exception> void each(int ranks, Duration timeout, Task<E> task) throws E {
        run(ranks, timeout, noResult(task));
    }

    private static <E extends Exception> Program<Boolean, E> noResult(Task<E> task) {
        return world -> {
            task.run(world);
            return true;
        };
    }
}
