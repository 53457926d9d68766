package dev.lockstep.launch.remote;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.launch.output.Console;
import dev.lockstep.launch.output.LinePump;

/** The ssh or srun process that brings agents to their hosts, and what it says when it cannot. */
final class AgentProcess {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
    private static final long END_MILLIS = 3_000;

    /** Hears of its end: the exit code, and the last line it wrote to stderr or an empty one. */
    interface Ended {
        void accept(int code, String reason);
    }

    private final Process process;
    private final Thread errors;
    private volatile String reason = "";

    /**
     * Starts it; the calling thread must live as long as the job.
     *
     * @param variables lines VAR=value for its environment
     * @param input     what it reads first, or null to let it read what the launcher reads
     * @param more      whether it then reads what the launcher reads
     * @param arrived   whether the agents have enlisted: what it says before is kept for the reason
     */
    AgentProcess(List<String> command, List<String> variables, @Nullable String input, boolean more, Console output,
            BooleanSupplier arrived, Ended ended) throws IOException {
        if (!isOnPath(command.get(0))) {
            throw new IOException("there is no " + command.get(0) + " on this host");
        }
        List<String> words = new ArrayList<>();
        if (Files.isExecutable(SETPRIV)) {
            words.addAll(List.of(SETPRIV.toString(), "--pdeathsig", "TERM"));
        }
        words.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(words).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        for (String variable : variables) {
            int equals = variable.indexOf('=');
            builder.environment().put(variable.substring(0, equals), variable.substring(equals + 1));
        }
        if (input == null) {
            builder.redirectInput(ProcessBuilder.Redirect.INHERIT);
        }
        process = builder.start();
        errors = start("errors", new LinePump(process.getErrorStream(), new byte[0], (bytes, offset, length) -> {
            if (arrived.getAsBoolean()) {
                output.stderr(bytes, offset, length);
            }
            new String(bytes, offset, length, StandardCharsets.UTF_8).lines().map(String::strip)
                    .filter(line -> !line.isEmpty()).forEach(line -> reason = line);
        }));
        if (input != null) {
            start("input", () -> feed(input, more));
        }
        start("agentProcess", () -> {
            try {
                int code = process.waitFor();
                errors.join(END_MILLIS); // something it left behind may hold the pipe
                ended.accept(code, reason);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    String reason() {
        return reason;
    }

    /** Gives it time to end by itself, then ends it. */
    void close() {
        try {
            if (!process.waitFor(END_MILLIS, TimeUnit.MILLISECONDS)) {
                abandon();
                process.waitFor(END_MILLIS, TimeUnit.MILLISECONDS);
            }
            errors.join(END_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it now. */
    void abandon() {
        process.destroy();
    }

    private void feed(String input, boolean more) {
        try (OutputStream out = process.getOutputStream()) {
            out.write(input.getBytes(StandardCharsets.UTF_8));
            out.flush();
            if (more && mayRead()) {
                try (FileInputStream in = new FileInputStream(FileDescriptor.in)) {
                    byte[] buffer = new byte[1 << 16];
                    for (int read; (read = in.read(buffer)) >= 0;) {
                        out.write(buffer, 0, read);
                        out.flush();
                    }
                }
            }
        } catch (IOException e) {
            // it has ended, and says why by itself
        }
    }

    private static boolean isOnPath(String command) {
        return command.contains("/")
                ? Files.isExecutable(Path.of(command))
                : Stream.of(System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":"))
                        .anyMatch(directory -> Files.isExecutable(Path.of(directory, command)));
    }

    /** Reading a terminal from the background would stop the launcher. */
    private static boolean mayRead() {
        try {
            if (!Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString().matches("/dev/(tty|pts/).*")) {
                return true;
            }
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return fields[2].equals(fields[5]); // own process group, the terminal's foreground group
        } catch (IOException e) {
            return false; // there is no stdin
        }
    }

    private static Thread start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
