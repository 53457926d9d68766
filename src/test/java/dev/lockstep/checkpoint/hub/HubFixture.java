package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.FakeHub;
import dev.lockstep.fixtures.FakeHub.Asked;
import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A hub, a cache that is empty, and what was said. */
@Timeout(60)
abstract class HubFixture {
    static final String ID = "org/name";
    static final byte[] WEIGHTS = bytes(3_000_000, 1);
    static final byte[] CONFIG = "{\"model_type\":\"llama\"}".getBytes(StandardCharsets.UTF_8);
    static final byte[] TOKENIZER = "{}".getBytes(StandardCharsets.UTF_8);

    @TempDir
    Path temp;

    final FakeHub server = new FakeHub();
    final List<String> said = new CopyOnWriteArrayList<>();
    final Map<String, String> variables = new HashMap<>();

    @BeforeEach
    void environment() {
        variables.put("HF_HOME", temp.toString());
        variables.put("HF_ENDPOINT", server.endpoint());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    static byte[] bytes(int size, long seed) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static Map<String, byte[]> files() {
        return new HashMap<>(Map.of("config.json", CONFIG, "tokenizer.json", TOKENIZER, "model.safetensors", WEIGHTS,
                "README.md", TOKENIZER, "consolidated.safetensors", bytes(10, 2), "pytorch_model.bin", bytes(10, 3)));
    }

    Hub hub() {
        return new Hub(variables, new Watch() {
            @Override
            public void say(String line) {
                said.add(line);
            }

            @Override
            public void progress(String line) {
                // may be many
            }

            @Override
            public void alive() {
                // may be many
            }
        }, Duration.ofMillis(1));
    }

    Path cache() {
        return temp.resolve("hub");
    }

    Path blob(byte[] content) {
        return cache().resolve("models--org--name/blobs").resolve(FakeHub.sha256(content));
    }

    List<Asked> elsewhere() {
        return server.asked().stream().filter(Asked::elsewhere).toList();
    }

    void assertRefused(String model, String sentence) {
        assertThatThrownBy(() -> hub().checkpoint(model)).isInstanceOf(UsageException.class).hasMessage(sentence);
    }

    /** The tree of a directory: each file, and each link with its target. */
    static List<String> tree(Path directory) {
        List<String> lines = new ArrayList<>();
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.filter(each -> !Files.isDirectory(each)).sorted().toList()) {
                lines.add(directory.relativize(path)
                        + (Files.isSymbolicLink(path) ? " -> " + Files.readSymbolicLink(path) : ""));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return lines;
    }
}
