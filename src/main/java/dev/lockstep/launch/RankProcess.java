package dev.lockstep.launch;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.stream.Stream;

/** A rank's process on this host, and the threads that pass on its output. */
final class RankProcess {
    /** A pump that has passed on nothing for so long has nothing more to pass on. */
    private static final long DRAIN_MILLIS = 500;

    /** Has the kernel kill a rank with its launcher, also one that never opens a control link; from util-linux. */
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    private final Process process;
    private final LinePump[] pumps = new LinePump[2];
    private final Thread[] threads = new Thread[2];

    private RankProcess(Process process) {
        this.process = process;
    }

    /**
     * Starts the rank and reports its end as an event. The calling thread must live as long as the job: to the kernel it
     * is the rank's parent.
     *
     * @param tag   whether every line begins with the rank
     * @param files where the rank's output goes, one file per stream; null: to the launcher's own
     */
    static RankProcess start(RankPlan plan, boolean tag, Path files, Output output, BlockingQueue<Event> events)
            throws IOException {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(SETPRIV)) {
            command.addAll(List.of(SETPRIV.toString(), "--pdeathsig", "KILL"));
        }
        command.addAll(plan.command());
        ProcessBuilder builder = new ProcessBuilder(command).directory(plan.directory().toFile());
        builder.environment().putAll(plan.environment());
        // the launcher's input is rank 0's, as with mpirun
        builder.redirectInput(plan.rank() == 0
                ? ProcessBuilder.Redirect.INHERIT
                : ProcessBuilder.Redirect.from(new File("/dev/null")));
        RankProcess rank = new RankProcess(builder.start());
        byte[] prefix = tag ? ("[" + plan.rank() + "] ").getBytes(StandardCharsets.US_ASCII) : new byte[0];
        if (files == null) {
            rank.pump(0, rank.process.getInputStream(), prefix, (bytes, offset, length) -> {
                try {
                    output.stdout(bytes, offset, length);
                } catch (IOException e) {
                    events.add(new Event.OutputClosed());
                    throw e;
                }
            }, () -> {
            });
            rank.pump(1, rank.process.getErrorStream(), prefix, output::stderr, () -> {
            });
        } else {
            var out = Files.newOutputStream(files.resolve("rank." + plan.rank() + ".out"));
            var err = Files.newOutputStream(files.resolve("rank." + plan.rank() + ".err"));
            rank.pump(0, rank.process.getInputStream(), prefix, out::write, out);
            rank.pump(1, rank.process.getErrorStream(), prefix, err::write, err);
        }
        Thread waiter = new Thread(() -> events.add(new Event.Exited(plan.rank(), rank.waitFor())),
                "wait " + plan.rank());
        waiter.setDaemon(true);
        waiter.start();
        return rank;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** The process and all its descendants. */
    List<ProcessHandle> tree() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .toList();
    }

    /**
     * Waits until all the rank wrote has been passed on, however slow its reader is. A child of the rank that outlives
     * it and holds the pipe is not waited for.
     */
    void drain() {
        for (int i = 0; i < threads.length; i++) {
            long before = -1;
            try {
                while (threads[i].isAlive() && (pumps[i].isWriting() || pumps[i].passed() != before)) {
                    before = pumps[i].passed();
                    threads[i].join(DRAIN_MILLIS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void pump(int stream, InputStream in, byte[] prefix, LinePump.Lines lines, Closeable file) {
        LinePump pump = new LinePump(in, prefix, lines);
        Thread thread = new Thread(() -> {
            try (file) {
                pump.run();
            } catch (IOException e) {
                // a disk that is full has already failed the write
            }
        }, "pump");
        thread.setDaemon(true);
        thread.start();
        pumps[stream] = pump;
        threads[stream] = thread;
    }

    private int waitFor() {
        while (true) {
            try {
                return process.waitFor();
            } catch (InterruptedException e) {
                // nobody interrupts this thread
            }
        }
    }
}
