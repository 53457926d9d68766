package dev.lockstep.batch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.json.Json;

import static dev.lockstep.fixtures.Runs.rows;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** The job {@code embed}, against transformers ({@code src/test/golden/embeddings.py}). */
class EmbedIT {
    private static final Path MODEL = Path.of(System.getProperty("lockstep.home"), "examples/models/kjv-6m");

    @TempDir
    private Path temp;

    private final JsonNode cases = Golden.json("embeddings-kjv-6m.json").get("cases");

    /** Each prompt as a row of its own, then one of no text and a request of OpenAI's form for the first two. */
    private Path prompts() throws IOException {
        StringBuilder input = new StringBuilder();
        for (JsonNode one : cases) {
            input.append(Json.MAPPER.createObjectNode().put("prompt", one.get("prompt").asText())).append('\n');
        }
        input.append("{\"prompt\": 5}\n");
        var request = Json.MAPPER.createObjectNode().put("custom_id", "mine").put("method", "POST").put("url",
                "/v1/embeddings");
        request.putObject("body").put("model", "m").putArray("input").add(cases.get(0).get("prompt"))
                .add(cases.get(1).get("prompt"));
        return Files.writeString(temp.resolve("prompts.jsonl"), input.append(request).append('\n'));
    }

    private static void assertVector(JsonNode actual, float[] expected, boolean normalized) {
        double squares = 0;
        for (float each : expected) {
            squares += (double) each * each;
        }
        double length = normalized ? Math.sqrt(squares) : 1;
        assertThat(actual).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual.get(i).asDouble()).isCloseTo(expected[i] / length, within(2e-5));
        }
    }

    @Test
    void embed_withoutOptions_isTheLastTokensOnTwoRanks() throws IOException {
        Launched.Result ran = Runs.job(2, temp, "embed", "--batch-size", "3", "--prompts", prompts().toString()).run();
        assertThat(ran.exitCode()).as(ran.stderr()).isEqualTo(3);
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSize(cases.size() + 2);
        int tokens = 0;
        for (int i = 0; i < cases.size(); i++) {
            JsonNode row = rows.get(i);
            assertThat(row.fieldNames()).toIterable().containsExactly("index", "id", "sample", "prompt", "text",
                    "token_ids", "embedding", "prompt_tokens", "completion_tokens", "finish_reason", "rank");
            assertVector(row.get("embedding"), Golden.floats(cases.get(i).get("last")), true);
            assertThat(row.get("prompt_tokens").asInt()).isEqualTo(cases.get(i).get("token_ids").size());
            tokens += row.get("prompt_tokens").asInt();
        }
        assertThat(rows.get(cases.size()).get("error").asText()).contains("prompt must be a string, not 5");
        JsonNode body = rows.get(cases.size() + 1).at("/response/body");
        for (int i = 0; i < 2; i++) {
            assertVector(body.at("/data/" + i + "/embedding"), Golden.floats(cases.get(i).get("last")), true);
        }
        int asked = cases.get(0).get("token_ids").size() + cases.get(1).get("token_ids").size();
        assertThat(body.at("/usage/prompt_tokens").asInt()).isEqualTo(asked);
        assertThat(ran.stdout()).contains("num_tokens " + (tokens + asked) + ", num_prompts " + (cases.size() + 2));
    }

    @Test
    @LongRun
    void embed_fewerDimensions_areThoseOfTheRequestOrTheOption() throws IOException {
        Path prompts = Files.writeString(temp.resolve("few.jsonl"), Json.MAPPER.createObjectNode().put("prompt", cases
                .get(0).get("prompt").asText()) + "\n"
                + "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/embeddings\", \"body\": {\"model\": \"m\","
                + " \"input\": \"And God said\", \"dimensions\": 16}}\n");
        Launched.Result ran = Runs.job(1, temp, "embed", "--dimensions", "64", "--prompts", prompts.toString()).run();
        assertThat(ran.exitCode()).as(ran.stderr()).isZero();
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertVector(rows.get(0).get("embedding"), Arrays.copyOf(Golden.floats(cases.get(0).get("last")), 64), true);
        assertThat(rows.get(1).at("/response/body/data/0/embedding")).hasSize(16);
        Launched.Result matrix = Runs.job(1, temp, "embed", "--dimensions", "64", "--prompts", prompts.toString(),
                "--output", temp.resolve("v.safetensors").toString()).run();
        assertThat(matrix.exitCode()).isNotZero();
        assertThat(matrix.stderr()).contains("its rows have 64 and 16 dimensions").doesNotContain("\tat ");
        Launched.Result none = Runs.job(1, temp, "embed", "--dimensions", "0").run();
        assertThat(none.exitCode()).isEqualTo(2);
        assertThat(none.stderr()).isEqualTo("embed: --dimensions must be 1 or more, not 0\n");
    }

    /** What sentence-transformers has beside a checkpoint counts, unless an option says otherwise. */
    @Test
    void embed_checkpointWithModules_isPooledAsTheySay() throws IOException {
        Path model = Files.createDirectories(temp.resolve("model"));
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.createSymbolicLink(model.resolve(file), MODEL.resolve(file));
        }
        Files.writeString(Files.createDirectories(model.resolve("1_Pooling")).resolve("config.json"),
                "{\"word_embedding_dimension\": 256, \"pooling_mode_cls_token\": false, \"pooling_mode_mean_tokens\": true}");
        Path modules = Files.writeString(model.resolve("modules.json"), """
                [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]""");
        Path output = temp.resolve("v.npy");
        Launched.Result ran = Runs.job(2, temp, "embed", "--model", model.toString(), "--prompts", prompts().toString(),
                "--output", output.toString()).run();
        assertThat(ran.exitCode()).as(ran.stderr()).isEqualTo(3);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(output)).order(ByteOrder.LITTLE_ENDIAN);
        String header = StandardCharsets.US_ASCII.decode(bytes.slice(10, 118)).toString();
        int count = cases.size() + 3; // the request's two among them
        assertThat(header).contains("'<f4'", "'shape': (" + count + ", 256)");
        assertThat(bytes.limit()).isEqualTo(128 + count * 256 * Float.BYTES);
        for (int row = 0; row < count; row++) {
            // the broken one stands between
            float[] expected = row == cases.size()
                    ? new float[256]
                    : Golden.floats(cases.get(row % (cases.size() + 1)).get("mean"));
            for (int i = 0; i < 256; i++) {
                float actual = bytes.getFloat(128 + (row * 256 + i) * Float.BYTES);
                if (row == cases.size()) {
                    assertThat(actual).isNaN();
                } else {
                    assertThat(actual).as("row %d", row).isCloseTo(expected[i], within(2e-5f));
                }
            }
        }
        Files.writeString(modules, Files.readString(modules).replace("models.Pooling", "models.Dense"));
        Launched.Result refused = Runs.job(1, temp, "embed", "--model", model.toString()).run();
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.stderr()).contains("modules.json has a module Dense behind the pooling");
        Files.delete(modules);
        Files.writeString(model.resolve("1_Pooling/config.json"), "{\"pooling_mode_max_tokens\": true}");
        Launched.Result other = Runs.job(1, temp, "embed", "--model", model.toString()).run();
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.stderr()).contains("name one of these with --pooling last, mean or cls");
    }

    /** As models are stored that were trained for embeddings: of the base model alone, without what chooses tokens. */
    @Test
    @LongRun
    void embed_checkpointWithoutOutputProjection_isTheSame() throws IOException {
        Path whole = Golden.copyWithTokenizer("llama-gqa", Files.createDirectories(temp.resolve("whole")));
        Path base = Golden.copyWithTokenizer("llama-gqa", Files.createDirectories(temp.resolve("base")));
        SafetensorsFile weights = SafetensorsFile.read(base.resolve("model.safetensors"));
        weights.cut("model.");
        weights.rename("lm_head.weight", "score.weight");
        weights.write();
        Path prompts = Files.writeString(temp.resolve("prompts.txt"), "In the beginning\nAnd God said\n");
        for (Path model : List.of(whole, base)) {
            Launched.Result ran = Runs
                    .job(1, temp, "embed", "--model", model.toString(), "--prompts", prompts.toString(),
                            "--normalize", "off", "--output", model.getParent() + ".jsonl")
                    .run();
            assertThat(ran.exitCode()).as(ran.stderr()).isZero();
        }
        List<JsonNode> rows = rows(temp.resolve("base.jsonl"));
        assertThat(rows).isEqualTo(rows(temp.resolve("whole.jsonl"))).hasSize(2);
        assertThat(rows.get(0).get("embedding")).isNotEqualTo(rows.get(1).get("embedding"));
        Launched.Result generated = Runs.generate(1, temp, "--model", base.toString()).run();
        assertThat(generated.exitCode()).isEqualTo(2);
        assertThat(generated.stderr()).contains("tensor lm_head.weight is missing");
    }

    @Test
    void generate_matrixOrRequestForEmbeddings_saysThatEmbedDoesIt() throws IOException {
        Launched.Result matrix = Runs.generate(1, temp, "--output", "v.npy").run();
        assertThat(matrix.exitCode()).isEqualTo(2);
        assertThat(matrix.stderr()).contains("a .npy file holds embeddings, which the job embed writes");
        Launched.Result request = Runs.generate(1, temp, "--prompts", prompts().toString()).run();
        assertThat(request.exitCode()).isEqualTo(3);
        assertThat(
                rows(temp.resolve("results.jsonl")).get(cases.size() + 1).at("/response/body/error/message").asText())
                        .isEqualTo("a request to /v1/embeddings is for the job embed: mpjrun.sh embed");
    }
}
