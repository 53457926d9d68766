package dev.lockstep.checkpoint.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import dev.lockstep.host.UsageException;

/** A few threads that do what takes time, while the one that waits for them can show how far they are. */
final class Workers implements AutoCloseable {
    private static final int THREADS = 4;
    private static final long TICK_MILLIS = 200;
    private static final long END_SECONDS = 10;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "hub");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * Does all of it.
     *
     * @param tick called now and then meanwhile
     * @return what came out, in order
     * @throws Exception the first in that order
     */
    <T> List<T> all(List<Callable<T>> tasks, Runnable tick) throws Exception {
        List<Future<T>> running = new ArrayList<>();
        tasks.forEach(task -> running.add(threads.submit(task)));
        List<T> done = new ArrayList<>();
        for (Future<T> each : running) {
            done.add(await(each, running, tick));
        }
        return done;
    }

    private static <T> T await(Future<T> one, List<Future<T>> all, Runnable tick) throws Exception {
        while (true) {
            try {
                tick.run();
                // one that has failed tells why all the others are in vain
                Future<T> next = all.stream().filter(each -> each.isDone() && failed(each)).findFirst().orElse(one);
                return next.get(TICK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // goes on
            } catch (ExecutionException e) {
                if (e.getCause()instanceof UsageException sentence) {
                    // from here, so that the trace has the caller's line
                    throw new UsageException(String.valueOf(sentence.getMessage()), sentence);
                }
                throw e.getCause()instanceof Exception cause ? cause : e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new UsageException("interrupted while a model was fetched", e);
            }
        }
    }

    private static boolean failed(Future<?> done) {
        try {
            done.get();
            return false;
        } catch (ExecutionException e) {
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Ends what is still under way. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
