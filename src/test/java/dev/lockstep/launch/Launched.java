package dev.lockstep.launch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Runs launch/mpjrun.sh as a user would.
 *
 * <pre>{@code
 * Launched.Result result = Launched.mpjrun("-np", "2", "hello").run();
 * assertThat(result.exitCode()).isZero();
 * }</pre>
 */
public final class Launched implements AutoCloseable {
    /** The project's directory. */
    public static final Path HOME = Path.of(System.getProperty("lockstep.home", ".")).toAbsolutePath().normalize();
    /** For -cp: the programs among the tests. */
    public static final String TEST_CLASSES = HOME.resolve("target/test-classes").toString();
    /** No run of a test takes longer. */
    public static final Duration LIMIT = Duration.ofSeconds(120);

    /**
     * What became of a run.
     *
     * @param elapsed from start to the launcher's end
     */
    public record Result(int exitCode, String stdout, String stderr, Duration elapsed) {
        /** Whole lines of stdout. */
        public List<String> lines() {
            return stdout.lines().toList();
        }
    }

    /** A run that is not started yet. */
    public static final class Command {
        private final List<String> words = new ArrayList<>();
        private final Map<String, String> environment = new HashMap<>();
        private Path directory = HOME;
        private String input = "";

        private Command(Path script, String... args) {
            // a test runner in the background ignores SIGINT and its children inherit that; users' shells do not
            words.addAll(List.of("env", "--default-signal=INT,TERM", script.toString()));
            words.addAll(Arrays.asList(args));
            // ranks of a test live for moments: the second compiler would only take the cores from the others
            environment.put("LOCKSTEP_JAVA_OPTS", "-XX:TieredStopAtLevel=1");
        }

        /** Sets a variable of the launcher's environment; null removes it. */
        public Command env(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** The launcher's working directory; the project's unless set. */
        public Command in(Path workingDirectory) {
            directory = workingDirectory;
            return this;
        }

        /** What the launcher reads on stdin. */
        public Command input(String text) {
            input = text;
            return this;
        }

        /** Starts it; to be closed, which kills what is left of it. */
        public Launched start() {
            try {
                return new Launched(this);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Starts it and waits for its end. */
        public Result run() {
            try (Launched launched = start()) {
                return launched.await();
            }
        }
    }

    private final Path files;
    private final Process process;
    private final long begin = System.nanoTime();

    private Launched(Command command) throws IOException {
        files = Files.createTempDirectory("launched");
        Files.writeString(files.resolve("in"), command.input);
        ProcessBuilder builder = new ProcessBuilder(command.words).directory(command.directory.toFile())
                .redirectInput(files.resolve("in").toFile()).redirectOutput(files.resolve("out").toFile())
                .redirectError(files.resolve("err").toFile());
        command.environment.forEach((name, value) -> {
            if (value == null) {
                builder.environment().remove(name);
            } else {
                builder.environment().put(name, value);
            }
        });
        process = builder.start();
    }

    /** {@code launch/mpjrun.sh} with these arguments. */
    public static Command mpjrun(String... args) {
        return new Command(HOME.resolve("launch/mpjrun.sh"), args);
    }

    /** Another path to the launcher, a link say. */
    public static Command script(Path script, String... args) {
        return new Command(script, args);
    }

    /** The launcher's process. */
    public ProcessHandle launcher() {
        return process.toHandle();
    }

    /** The ranks' processes now alive, in the order of their pids. */
    public List<ProcessHandle> ranks() {
        return process.children().sorted(Comparator.comparing(ProcessHandle::pid)).toList();
    }

    /** A process's variables as {@code NAME=value\0}; empty once it has ended. */
    static String environment(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "environ"),
                    StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** What has come on stdout so far. */
    public String stdout() {
        return read("out");
    }

    /** What has come on stderr so far. */
    public String stderr() {
        return read("err");
    }

    /** Waits until stdout holds the text; fails when it does not come. */
    public void awaitStdout(String text) {
        awaitTrue(Duration.ofSeconds(60), () -> stdout().contains(text) || !process.isAlive());
        assertThat(stdout()).as("stdout; stderr is: " + stderr()).contains(text);
    }

    /** Waits for the launcher's end. */
    public Result await() {
        try {
            boolean ended = process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS);
            Duration elapsed = Duration.ofNanos(System.nanoTime() - begin);
            assertThat(ended).as("the launcher ends; stdout: " + stdout() + " stderr: " + stderr()).isTrue();
            return new Result(process.exitValue(), stdout(), stderr(), elapsed);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Kills one of so many ranks with SIGKILL; the whole job has to be over within two seconds. */
    public Result killRank(int rank, int of) {
        List<ProcessHandle> ranks = ranks();
        assertThat(ranks).hasSize(of);
        long killed = System.nanoTime();
        signal(ranks.get(rank), "KILL");
        Result result = await();
        Duration reaction = Duration.ofNanos(System.nanoTime() - killed);
        System.out.println("a rank killed: the job was over after " + reaction.toMillis() + " ms");
        assertThat(reaction).isLessThan(Duration.ofSeconds(2));
        assertThat(ranks).noneMatch(ProcessHandle::isAlive);
        assertThat(result.exitCode()).isEqualTo(137);
        return result;
    }

    /** Kills the launcher of so many ranks with SIGKILL; within five seconds none of them may be left. */
    public void killLauncher(int of) {
        List<ProcessHandle> ranks = ranks();
        assertThat(ranks).hasSize(of);
        signal(launcher(), "KILL");
        awaitGone(Duration.ofSeconds(5), ranks);
    }

    /** Sends a signal, such as KILL, to a process this run started. */
    public static void signal(ProcessHandle target, String name) {
        try {
            int code = new ProcessBuilder("kill", "-" + name, Long.toString(target.pid())).start().waitFor();
            assertThat(code).as("kill -" + name + " " + target.pid()).isZero();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Polls until the condition holds; fails when it does not within the time. */
    public static void awaitTrue(Duration limit, BooleanSupplier condition) {
        long until = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("time to wait for a condition").isLessThan(until);
            LockSupport.parkNanos(5_000_000L);
        }
    }

    /** Polls until none of the processes is alive; fails when one is after that time. */
    public static void awaitGone(Duration limit, List<ProcessHandle> processes) {
        awaitTrue(limit, () -> processes.stream().noneMatch(ProcessHandle::isAlive));
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try (Stream<Path> all = Files.list(files)) {
            for (Path file : all.toList()) {
                Files.delete(file);
            }
            Files.delete(files);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String read(String name) {
        try {
            return new String(Files.readAllBytes(files.resolve(name)), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
