package dev.lockstep.launch;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs the scripts that make hosts and clusters for tests, and the clients of what they make. */
final class Cluster {
    /** What the scripts exit with where they cannot make any. */
    static final int CANNOT = 3;
    private static final String LIMIT_SECONDS = "90";

    /** Stdout and stderr together. */
    record Result(int exitCode, String output) {}

    private Cluster() {}

    static Result run(String... words) {
        return run(List.of(), words);
    }

    /** @param variables VAR=value each, for its environment */
    static Result run(List<String> variables, String... words) {
        List<String> command = new ArrayList<>(List.of("env"));
        command.addAll(variables);
        command.addAll(List.of("timeout", "-k", "5", LIMIT_SECONDS));
        command.addAll(Arrays.asList(words));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null"))).start();
            try (InputStream out = process.getInputStream()) {
                String output = new String(out.readAllBytes(), StandardCharsets.UTF_8);
                return new Result(process.waitFor(), output.strip());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
