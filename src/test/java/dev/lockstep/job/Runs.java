package dev.lockstep.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.lockstep.launch.Launched;

import static dev.lockstep.launch.Launched.HOME;
import static org.assertj.core.api.Assertions.assertThat;

/** {@code generate} as a user runs it, and what it leaves behind. */
final class Runs {
    static final Path KJV = HOME.resolve("examples/models/kjv-6m");
    static final Path FIRST_LINES = HOME.resolve("examples/first-lines.jsonl");

    private static final ObjectMapper JSON = new ObjectMapper();

    private Runs() {}

    /**
     * {@code mpjrun.sh -np RANKS generate OPTIONS}, on CPU also where there are GPUs because texts are compared exactly,
     * and without the progress that a slow machine would show after ten seconds.
     */
    static Launched.Command generate(int ranks, Path directory, String... options) {
        List<String> words = new ArrayList<>(
                List.of("-np", Integer.toString(ranks), "-q", "--device", "cpu", "generate"));
        words.addAll(List.of(options));
        return Launched.mpjrun(words.toArray(String[]::new)).in(directory);
    }

    /** Runs {@code generate} to a good end, one that says nothing on stderr. */
    static Launched.Result succeed(int ranks, Path directory, String... options) {
        Launched.Result result = generate(ranks, directory, options).run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        return result;
    }

    /** The rows of a file of JSON lines. */
    static List<JsonNode> rows(Path file) {
        return lines(file).stream().map(Runs::json).toList();
    }

    static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException("not JSON: " + text, e);
        }
    }

    static JsonNode json(Path file) {
        return json(String.join("\n", lines(file)));
    }

    /** Writes prompts as JSON lines. */
    static Path prompts(Path file, List<String> texts) {
        try {
            return Files.write(file,
                    texts.stream().map(text -> JSON.createObjectNode().put("prompt", text).toString()).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The prompts of the shipped example. */
    static List<String> firstLines() {
        return rows(FIRST_LINES).stream().map(row -> row.get("prompt").asText()).toList();
    }

    /** One field of every row, as text. */
    static List<String> field(List<JsonNode> rows, String name) {
        return rows.stream().map(row -> row.get(name).asText()).toList();
    }

    /** The sum of one field over all rows. */
    static long sum(Iterable<JsonNode> rows, String name) {
        long sum = 0;
        for (JsonNode row : rows) {
            sum += row.get(name).asLong();
        }
        return sum;
    }
}
