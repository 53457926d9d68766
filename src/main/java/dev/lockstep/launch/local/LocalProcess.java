package dev.lockstep.launch.local;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.launch.output.LinePump;
import dev.lockstep.launch.ranks.RankProcess;

/** A rank's process on this host, and the threads that pass on its output. */
public final class LocalProcess implements RankProcess {
    /** A pump that has passed on nothing for so long has nothing more to pass on. */
    private static final long DRAIN_MILLIS = 500;

    /** Has the kernel kill a rank with its launcher, also one that never opens a control link; from util-linux. */
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    private final RankPlan plan;
    private final Process process;
    private final List<LinePump> pumps = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final List<ProcessHandle> ending = new ArrayList<>();

    private LocalProcess(RankPlan plan, Process process) {
        this.plan = plan;
        this.process = process;
    }

    /**
     * Starts the rank. The calling thread must live as long as the job: to the kernel it is the rank's parent.
     *
     * @param tag    whether every line begins with the rank
     * @param out    takes its stdout; null, then as err: the rank writes where this process does
     * @param err    takes its stderr
     * @param exited hears the exit code
     */
    public static LocalProcess start(RankPlan plan, boolean tag, LinePump.@Nullable Lines out,
            LinePump.@Nullable Lines err,
            IntConsumer exited)
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
        if (out == null) {
            builder.redirectOutput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT);
        }
        LocalProcess rank = new LocalProcess(plan, builder.start());
        if (out != null && err != null) {
            byte[] prefix = tag ? ("[" + plan.rank() + "] ").getBytes(StandardCharsets.US_ASCII) : new byte[0];
            rank.pump(rank.process.getInputStream(), prefix, out);
            rank.pump(rank.process.getErrorStream(), prefix, err);
        }
        Thread waiter = new Thread(() -> exited.accept(rank.waitFor()), "wait " + plan.rank());
        waiter.setDaemon(true);
        waiter.start();
        return rank;
    }

    @Override
    public String host() {
        return plan.host();
    }

    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public boolean isStarted() {
        return true;
    }

    @Override
    public long ran() {
        long nanos = 0;
        // the file of the process is of its first thread alone
        try (DirectoryStream<Path> tasks = Files
                .newDirectoryStream(Path.of("/proc", Long.toString(process.pid()), "task"))) {
            for (Path task : tasks) {
                nanos += ran(task);
            }
        } catch (IOException | DirectoryIteratorException e) {
            return -1; // it has ended
        }
        return nanos;
    }

    private static long ran(Path task) {
        try {
            String[] ranAndWaited = Files.readString(task.resolve("schedstat")).split(" ");
            return Long.parseLong(ranAndWaited[0]) + Long.parseLong(ranAndWaited[1]);
        } catch (IOException | NumberFormatException e) {
            return 0; // it has ended meanwhile, or the kernel does not count
        }
    }

    @Override
    public void end() {
        end(Stream.concat(Stream.of(process.toHandle()), process.descendants()));
    }

    @Override
    public void endChildren() {
        end(process.descendants());
    }

    private void end(Stream<ProcessHandle> processes) {
        synchronized (ending) {
            List<ProcessHandle> tree = processes.toList();
            tree.forEach(ProcessHandle::destroy);
            ending.addAll(tree);
        }
    }

    @Override
    public void kill() {
        synchronized (ending) {
            ending.forEach(ProcessHandle::destroyForcibly);
        }
    }

    @Override
    public boolean isEnding() {
        synchronized (ending) {
            return ending.stream().anyMatch(ProcessHandle::isAlive);
        }
    }

    /** A child of the rank that outlives it and holds the pipe is not waited for. */
    @Override
    public void drain() {
        for (int i = 0; i < threads.size(); i++) {
            long before = -1;
            try {
                while (threads.get(i).isAlive() && (pumps.get(i).isWriting() || pumps.get(i).passed() != before)) {
                    before = pumps.get(i).passed();
                    threads.get(i).join(DRAIN_MILLIS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void pump(InputStream in, byte[] prefix, LinePump.Lines lines) {
        LinePump pump = new LinePump(in, prefix, lines);
        Thread thread = new Thread(pump, "pump");
        thread.setDaemon(true);
        thread.start();
        pumps.add(pump);
        threads.add(thread);
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
