package dev.lockstep.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;

/** Contexts stretched in each way, beside what transformers computed for them row by row. */
class RopeTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest(name = "{0}")
    @MethodSource("names")
    void generate_stretchedContext_equalsTransformersForEveryBatchSize(String name, @TempDir Path scratch)
            throws IOException {
        equalsTransformers(name, scratch, Device.CPU);
    }

    @Test
    void generate_promptBeyondDynamicScaling_isThatRowsError(@TempDir Path scratch) throws IOException {
        Path model = model("dynamic-llama", scratch);
        List<Request> requests = List.of(request(0, 25), request(1, 24));
        try (Generator generator = Generator.load(Checkpoint.open(model), Device.CPU, DType.FLOAT32)) {
            assertThat(generator.generate(requests, 2)).extracting(Completion::error).containsExactly(
                    "the prompt has 25 tokens, and with dynamic rope scaling it may have as many as the model was "
                            + "trained for, 24; yarn takes longer ones",
                    null);
        }
    }

    private static Request request(int index, int tokens) {
        return new Request(index, 0, IntStream.range(5, 5 + tokens).toArray(), SamplingParams.greedy(3, List.of()));
    }

    static List<String> names() {
        return StreamSupport.stream(Golden.json("rope.json").get("cases").spliterator(), false)
                .map(golden -> golden.get("name").asText()).toList();
    }

    private static JsonNode golden(String name) {
        return StreamSupport.stream(Golden.json("rope.json").get("cases").spliterator(), false)
                .filter(each -> each.get("name").asText().equals(name)).findFirst().orElseThrow();
    }

    /** A copy of the case's checkpoint, with its changes. */
    private static Path model(String name, Path scratch) throws IOException {
        JsonNode golden = golden(name);
        Path model = Golden.copyWithTokenizer(golden.get("base").asText(), scratch);
        Path file = model.resolve("config.json");
        ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
        golden.get("changes").properties().forEach(change -> {
            if (change.getValue().isNull()) {
                config.remove(change.getKey());
            } else {
                config.set(change.getKey(), change.getValue());
            }
        });
        Files.writeString(file, config.toString());
        return model;
    }

    static void equalsTransformers(String name, Path scratch, Device device) throws IOException {
        JsonNode golden = golden(name);
        List<Request> requests = new ArrayList<>();
        for (JsonNode row : golden.get("rows")) {
            requests.add(new Request(requests.size(), 0, Golden.ints(row.get("prompt_ids")),
                    SamplingParams.greedy(row.get("greedy_ids").size(), List.of())));
        }
        try (Generator generator = Generator.load(Checkpoint.open(model(name, scratch)), device, DType.FLOAT32)) {
            for (int batchSize : new int[]{1, requests.size()}) {
                for (Completion completion : generator.generate(requests, batchSize)) {
                    assertThat(completion.error()).isNull();
                    assertThat(completion.tokenIds()).as("row %d, batches of %d", completion.index(), batchSize)
                            .isEqualTo(Golden.ints(golden.get("rows").get(completion.index()).get("greedy_ids")));
                }
            }
        }
    }
}
