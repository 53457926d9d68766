package dev.lockstep.world.verbs;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.IntConsumer;

import org.jspecify.annotations.Nullable;

/**
 * Tasks that rank 0 deals to all ranks, itself among them, as they get through with those they have. A rank has the next
 * task before it is through, so that it does not wait for it, except towards the end, when a task that lies with one rank
 * might be done by another.
 *
 * @param <T> a task
 * @param <R> what comes of it
 */
public final class Farm<T, R> {
    private static final int TASK = 0;
    private static final int RESULT = 1;
    private static final int OVER = -1;

    /** A task or a result with its number. */
    private record Numbered<V> (int number, @Nullable V value) {}

    private final Messages messages;
    private final Members members;
    private final Codec<T> tasks;
    private final Codec<R> results;
    private final Function<? super T, ? extends R> work;
    private final Runnable alive;
    // of rank 0, guarded by this
    private int dealt;

    /**
     * @param messages of nobody else
     * @param alive    says that this rank is at work
     */
    public Farm(Messages messages, Members members, Codec<T> tasks, Codec<R> results,
            Function<? super T, ? extends R> work, Runnable alive) {
        this.messages = messages;
        this.members = members;
        this.tasks = tasks;
        this.results = results;
        this.work = work;
        this.alive = alive;
    }

    /** Works until rank 0 says that there are no more tasks. */
    public void work() {
        while (true) {
            Numbered<T> task = messages.receive(numbered(tasks), 0, TASK).value();
            if (task.number() == OVER) {
                return;
            }
            messages.send(new Numbered<R>(task.number(), done(task.value(), task.number())), numbered(results), 0,
                    RESULT);
        }
    }

    /**
     * Deals and works, on rank 0.
     *
     * @return the results, in the order of the tasks
     */
    public List<R> deal(List<? extends T> all) {
        Object[] done = new Object[all.size()];
        CompletableFuture<Integer> others = Messages.inBackground(() -> dealToOthers(all, done));
        int number;
        while ((number = next(all.size())) != OVER) {
            T task = copy(all.get(number), tasks);
            done[number] = copy(done(task, number), results);
        }
        int unused = Messages.await(others);
        @SuppressWarnings("unchecked") // nothing else has been put there
        List<R> inOrder = (List<R>) Collections.unmodifiableList(Arrays.asList(done));
        return inOrder;
    }

    /** On a thread of its own, which waits without using the processor. */
    private int dealToOthers(List<? extends T> all, Object[] done) {
        int size = members.size();
        int[] has = new int[size];
        int through = 1; // ranks that will be given nothing more; this one takes for itself
        IntConsumer give = to -> {
            int number = next(all.size());
            if (number != OVER) {
                messages.send(new Numbered<T>(number, all.get(number)), numbered(tasks), to, TASK);
                has[to]++;
            }
        };
        for (int round = 0; round < 2; round++) {
            for (int to = 1; to < size; to++) {
                if (round == 0 || isManyLeft(all.size())) {
                    give.accept(to);
                }
            }
        }
        for (int to = 1; to < size; to++) {
            through += leaves(to, has[to]);
        }
        while (through < size) {
            Messages.Delivered<Numbered<R>> result = messages.receive(numbered(results), Messages.ANY, RESULT);
            int from = result.from();
            done[result.value().number()] = result.value().value();
            has[from]--;
            if (has[from] == 0) {
                give.accept(from);
            }
            if (has[from] == 1 && isManyLeft(all.size())) {
                give.accept(from);
            }
            through += leaves(from, has[from]);
        }
        return through;
    }

    /** Lets a rank go that has nothing to do. */
    private int leaves(int to, int has) {
        if (has > 0) {
            return 0;
        }
        messages.send(new Numbered<T>(OVER, null), numbered(tasks), to, TASK);
        return 1;
    }

    private synchronized int next(int tasksInAll) {
        return dealt < tasksInAll ? dealt++ : OVER;
    }

    /** Whether every rank would get one more, and so a rank may have one before it is through. */
    private synchronized boolean isManyLeft(int tasksInAll) {
        return tasksInAll - dealt > members.size();
    }

    private R done(@Nullable T task, int number) {
        alive.run();
        try {
            @SuppressWarnings("NullAway") // a task may be null where the list that was given has a null
            R result = work.apply(task);
            return result;
        } catch (RuntimeException e) {
            throw new IllegalStateException("farm: task " + number + " has failed on rank "
                    + members.world()[members.self()] + ": " + e + place(e), e);
        } finally {
            alive.run();
        }
    }

    /** Where in the program an exception comes from. */
    private static String place(RuntimeException e) {
        return Arrays.stream(e.getStackTrace())
                .filter(frame -> !frame.getClassName().matches("(java|jdk|dev\\.lockstep\\.world)\\..*")).findFirst()
                .map(frame -> " (at " + frame.getClassName() + "." + frame.getMethodName() + ", " + frame.getFileName()
                        + " line " + frame.getLineNumber() + ")")
                .orElse("");
    }

    /** What another rank would be given. */
    private static <V> V copy(@Nullable V value, Codec<V> codec) {
        try {
            return codec.copy(value);
        } catch (IOException e) {
            throw new UncheckedIOException("farm: " + e.getMessage(), e);
        }
    }

    private static <V> Codec<Numbered<V>> numbered(Codec<V> codec) {
        return new Codec<>() {
            @Override
            public void write(@Nullable Numbered<V> value, OutputStream out) throws IOException {
                Numbered<V> given = value == null ? new Numbered<>(OVER, null) : value;
                new DataOutputStream(out).writeInt(given.number());
                if (given.number() != OVER) {
                    codec.write(given.value(), out);
                }
            }

            @Override
            public Numbered<V> read(InputStream in) throws IOException {
                int number = new DataInputStream(in).readInt();
                return new Numbered<>(number, number == OVER ? null : codec.read(in));
            }

            @Override
            public Kind kind() {
                return Kind.OBJECTS;
            }
        };
    }
}
