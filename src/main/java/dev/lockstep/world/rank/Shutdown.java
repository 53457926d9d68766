package dev.lockstep.world.rank;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.ExitCode;
import dev.lockstep.wire.Message;
import dev.lockstep.wire.RankEnvironment;

/** How a rank that is a process ends, whichever way that happens, and what its launcher hears of it. */
public final class Shutdown implements Ending {
    private static final int CAUSE_LENGTH = 2000;

    private final @Nullable ControlLink link; // null: there is no launcher
    private final Runnable farewell;
    private volatile boolean closed;
    private volatile Runnable lastWords = () -> {
    };
    private boolean byeSaid;

    public Shutdown(ControlLink link) {
        this.link = link;
        this.farewell = link::awaitOver;
    }

    /** @param farewell waits, where there is no launcher to say it, until all ranks are through */
    public Shutdown(Runnable farewell) {
        this.link = null;
        this.farewell = farewell;
    }

    @Override
    public void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the world is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
    }

    @Override
    public void lastWords(Runnable words) {
        lastWords = words;
    }

    /** From now on a thread of this rank that dies of an exception ends the job. */
    public void catchUncaught() {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            Optional<String> sentence = OwnFault.sentence(error);
            if (sentence.isPresent() && System.getenv(RankEnvironment.VERBOSE) == null) {
                abort(ExitCode.FAILED.code(), sentence.get());
            }
            try {
                System.err.print("Exception in thread \"" + thread.getName() + "\" ");
                error.printStackTrace();
            } finally {
                abort(ExitCode.FAILED.code(), error.toString());
            }
        });
    }

    /**
     * Ends the process once the program is over.
     *
     * @param program    the thread whose end is the program's
     * @param mpjThreads are not the program's; they would keep the JVM alive for ever
     */
    public void watch(Thread program, Set<Thread> mpjThreads) {
        Thread watcher = new Thread(() -> {
            try {
                for (Thread thread = program; thread != null; thread = nextOfProgram(mpjThreads)) {
                    thread.join();
                }
            } catch (InterruptedException e) {
                return; // nobody interrupts this thread
            }
            exit(ExitCode.DONE.code());
        }, "lockstep-end");
        // not a daemon: the JVM would end by itself before the launcher is told that this is a good end
        watcher.setDaemon(false);
        watcher.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (closed) {
                // System.exit after close: a code other than 0 the launcher sees for itself
                sayBye(ExitCode.DONE.code());
            } else {
                lastWords.run();
            }
        }, "lockstep-bye"));
    }

    /** Ends the process when all ranks are through. */
    @Override
    public void exit(int code) {
        closed = true;
        sayBye(code);
        System.exit(code);
    }

    @Override
    public void abort(int code, @Nullable String cause) {
        String line = cause == null ? "aborted" : cause.strip().replaceAll("\\s*\\R\\s*", " ");
        if (link == null) {
            System.err.println(line);
        } else {
            send(link, new Message.Failure(code, line.substring(0, Math.min(line.length(), CAUSE_LENGTH))));
        }
        System.out.flush();
        System.err.flush();
        Runtime.getRuntime().halt(code);
    }

    private static @Nullable Thread nextOfProgram(Set<Thread> mpjThreads) {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            // this one, and the JVM's own last thread, which waits for all the others
            boolean waits = thread == Thread.currentThread() || thread.getName().equals("DestroyJavaVM");
            if (!thread.isDaemon() && !waits && !mpjThreads.contains(thread)) {
                return thread;
            }
        }
        return null;
    }

    private synchronized void sayBye(int code) {
        if (byeSaid) {
            return;
        }
        byeSaid = true;
        if (link != null) {
            try {
                link.reporter().flush();
            } catch (IOException e) {
                return; // the link's reader ends this process
            }
            send(link, new Message.Bye(code));
        }
        // when MPJ sees one peer's sockets close it closes those to all the others, who may have more to say;
        // with a launcher not MPI.Finalize, which waits for all ranks, of which one may have left through System.exit
        farewell.run();
    }

    private static void send(ControlLink link, Message message) {
        try {
            link.send(message);
        } catch (IOException e) {
            // the link's reader ends this process
        }
    }
}
