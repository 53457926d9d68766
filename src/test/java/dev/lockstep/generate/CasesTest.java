package dev.lockstep.generate;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The cases about what a checkpoint's directory holds, as they are. */
class CasesTest {
    private static final Path CASES = Golden.FOLDER.resolveSibling("cases");
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Of those that must be refused, by name. */
    private static final Map<String, String> SENTENCES = Map.of("weights-lfs-pointer",
            "/model.safetensors is a Git LFS pointer, a few lines of text in the place of the file; run git lfs pull where"
                    + " it was cloned, or download the checkpoint again.",
            "config-layers", "/config.json: num_hidden_layers must be at most 10000, not 1000000000.");

    @TempDir
    private Path temp;

    static List<String> cases() throws IOException {
        try (Stream<Path> folders = Files.list(CASES)) {
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(name -> name.startsWith("weights-")
                            || name.startsWith("config-") && !name.startsWith("config-rope-"))
                    .sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void checkpoint_isReadAsItShould(String name) throws IOException {
        Path directory = Golden.copy(CASES.resolve("tiny-model"), temp.resolve(name));
        try (Stream<Path> files = Files.list(CASES.resolve(name))) {
            for (Path file : files.toList()) {
                Files.copy(file, directory.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        if (SENTENCES.containsKey(name)) {
            assertThatThrownBy(() -> Checkpoint.open(directory)).isInstanceOf(ModelException.class)
                    .hasMessage(directory + SENTENCES.get(name));
            return;
        }
        Path own = directory.resolve("expected.json");
        List<List<Integer>> expected = Files.exists(own)
                ? ids(JSON.readTree(own.toFile()))
                // what is changed must not matter
                : generate(CASES.resolve("tiny-model"));
        assertThat(expected).hasSize(3).allSatisfy(row -> assertThat(row).hasSize(24));
        assertThat(generate(directory)).isEqualTo(expected);
    }

    /** {@code --max-new-tokens 24 --no-special-tokens}, greedy. */
    private static List<List<Integer>> generate(Path directory) {
        SamplingParams params = SamplingParams.builder(24).greedy(true).build();
        try (Generator generator = Generator.load(Checkpoint.open(directory), Device.CPU, DType.FLOAT32)) {
            List<Request> requests = new ArrayList<>();
            for (String line : Files.readAllLines(CASES.resolve("weights-without-model-prefix/prompts.jsonl"))) {
                requests.add(new Request(requests.size(), 0,
                        generator.tokenizer().encode(JSON.readTree(line).get("prompt").asText(), false), params));
            }
            return generator.generate(requests, requests.size()).stream().map(completion -> ids(completion.tokenIds()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Integer> ids(int[] tokens) {
        return Arrays.stream(tokens).boxed().toList();
    }

    private static List<List<Integer>> ids(JsonNode rows) {
        List<List<Integer>> all = new ArrayList<>();
        rows.forEach(row -> all.add(ids(Golden.ints(row))));
        return all;
    }
}
