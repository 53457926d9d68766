package dev.lockstep.batch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.GenerationField;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.generate.Completion;
import dev.lockstep.generate.Generator;
import dev.lockstep.generate.Request;
import dev.lockstep.generate.SamplingParams;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelException;
import dev.lockstep.prompts.SamplingFields;
import dev.lockstep.prompts.SamplingOverrides;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Every field of a checkpoint's {@code generation_config.json}: transformers' tokens, or a sentence that names it. */
@Tag("device")
class GenerationConfigTest {
    private static final Path CASES = Path.of("src/test/resources/cases");
    private static final JsonNode GOLDEN = read(Path.of("src/test/resources/golden/generation_config.json"));
    /** Where models are: {@code -Dlockstep.test.device=cuda:0} has them on a GPU. */
    private static final Device DEVICE = new Device(System.getProperty("lockstep.test.device", "cpu"));
    /** transformers makes no number of an end token that is held back and favoured at once, and takes it; here it waits. */
    private static final Set<String> OTHERWISE_ON_PURPOSE = Set.of("decay_and_min_new");

    @TempDir
    private Path scratch;

    static Stream<String> cases() throws IOException {
        try (Stream<Path> folders = Files.list(CASES)) {
            // which has no tokens, but a top_k
            return folders.map(folder -> folder.getFileName().toString())
                    .filter(name -> name.startsWith("gen-") && !name.equals("gen-top_k-not-named")).sorted().toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void generate_case_givesItsTokensOrNamesItsField(String name) throws IOException {
        Path folder = CASES.resolve(name);
        JsonNode config = read(folder.resolve("generation_config.json"));
        JsonNode changes = Files.exists(folder.resolve("config_changes.json"))
                ? read(folder.resolve("config_changes.json"))
                : null;
        List<String> prompts = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("prompts.jsonl"))) {
            prompts.add(Json.MAPPER.readTree(line).get("prompt").asText());
        }
        check(name, config, changes, "{\"max_new_tokens\":24}", prompts, read(folder.resolve("expected.json")));
    }

    static Stream<String> greedy() {
        return names("greedy").filter(name -> !OTHERWISE_ON_PURPOSE.contains(name));
    }

    @ParameterizedTest
    @MethodSource("greedy")
    void generate_field_givesTransformersTokensOrIsNamed(String name) throws IOException {
        JsonNode golden = GOLDEN.get("greedy").get(name);
        check(name, golden.get("config"), null, "{\"max_new_tokens\":24}", prompts(), golden.get("tokens"));
    }

    static Stream<String> configJson() {
        return names("config_json");
    }

    @ParameterizedTest
    @MethodSource("configJson")
    void generate_fieldsOfConfigJson_countWhereTheOtherFileIsAbsent(String name) throws IOException {
        JsonNode golden = GOLDEN.get("config_json").get(name);
        check(name, golden.get("generation_config"), golden.get("changes"), "{\"max_new_tokens\":24}", prompts(),
                golden.get("tokens"));
    }

    static Stream<String> ownLength() {
        return names("own_length");
    }

    /** Where nobody says how many new tokens, transformers makes 20 at least once; here it is 100. */
    @ParameterizedTest
    @MethodSource("ownLength")
    void generate_lengthsOfTheCheckpoint_bindWhereTheJobNamesNone(String name) throws IOException {
        JsonNode golden = GOLDEN.get("own_length").get(name);
        List<Completion> completions = generate(checkpoint(golden.get("config"), null), "{}", prompts());
        if (name.equals("max_length_5")) {
            assertThat(golden.get("tokens").asText()).contains("Input length of input_ids is 9");
            assertThat(completions.get(0).error())
                    .isEqualTo("the prompt has 9 tokens, and max_length of 5 leaves no room for a new one");
            assertThat(completions.get(2).tokenIds()).hasSize(4);
            return;
        }
        boolean limited = golden.get("config").has("max_length") || golden.get("config").has("max_new_tokens");
        for (int row = 0; row < completions.size(); row++) {
            int[] expected = Golden.ints(golden.get("tokens").get(row));
            int[] tokens = completions.get(row).tokenIds();
            assertThat(limited ? tokens : Arrays.copyOf(tokens, expected.length)).as(name).isEqualTo(expected);
        }
    }

    @Test
    void generate_endTokenHeldBackAndFavoured_waitsForTheLeastLength() throws IOException {
        JsonNode golden = GOLDEN.get("greedy").get("decay_and_min_new");
        List<Completion> completions = generate(checkpoint(golden.get("config"), null), "{\"max_new_tokens\":24}",
                prompts());
        assertThat(completions).allSatisfy(completion -> assertThat(completion.tokenIds()).hasSize(10)
                .endsWith(golden.get("config").get("eos_token_id").get(0).asInt()));
    }

    static Stream<String> sampled() {
        return names("sampled").filter(name -> !name.equals("top_h"));
    }

    /** 400 draws of the first token: each is one that transformers may draw, and each of its likely ones comes up. */
    @ParameterizedTest
    @MethodSource("sampled")
    void generate_sampledField_drawsFromTransformersTokens(String name) throws IOException {
        JsonNode golden = GOLDEN.get("sampled").get(name);
        Checkpoint checkpoint = checkpoint(golden.get("config"), null);
        SamplingParams params = params(checkpoint, "{\"max_new_tokens\":1}");
        List<Request> requests = new ArrayList<>();
        try (Generator generator = Generator.load(checkpoint, DEVICE, DType.FLOAT32)) {
            for (int row = 0; row < prompts().size(); row++) {
                int[] ids = generator.tokenizer().encode(prompts().get(row), false);
                for (int sample = 0; sample < 400; sample++) {
                    requests.add(new Request(row, sample, ids, params));
                }
            }
            Map<Integer, Set<Integer>> drawn = new TreeMap<>();
            for (Completion completion : generator.generate(requests, 400)) {
                drawn.computeIfAbsent(completion.index(), row -> new TreeSet<>()).add(completion.tokenIds()[0]);
            }
            for (int row = 0; row < prompts().size(); row++) {
                JsonNode probabilities = golden.get("probs").get(row);
                for (int token = 0; token < probabilities.size(); token++) {
                    double p = probabilities.get(token).asDouble();
                    // (1 - 0.05)^400 is 1e-9
                    if (p == 0 || p > 0.05) {
                        assertThat(drawn.get(row).contains(token)).as("%s: token %d of probability %s", name, token, p)
                                .isEqualTo(p > 0);
                    }
                }
            }
        }
    }

    @Test
    void generate_samplingWithoutTopK_drawsFromTheFiftyLikeliest() throws IOException {
        Path folder = CASES.resolve("gen-top_k-not-named");
        int expected = read(folder.resolve("expected.json")).get("top_k").asInt();
        SamplingParams params = params(checkpoint(read(folder.resolve("generation_config.json")), null), "{}");
        assertThat(params.topK()).isEqualTo(expected);
        assertThat(params.greedy()).isFalse();
        assertThat(params(checkpoint(json("{\"do_sample\":true,\"top_k\":0}"), null), "{}").topK()).isZero();
        assertThat(params(checkpoint(json("{}"), null), "{\"temperature\":2}").topK()).isEqualTo(expected);
    }

    /** What float32 has no room for comes to what is nearest to it: no error, and no token 0 for ever. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"temperature\":1e-44}", "{\"temperature\":1e-300}", "{\"temperature\":1e-30}",
            "{\"temperature\":2,\"top_p\":1e-50}", "{\"temperature\":2,\"typical_p\":1e-60,\"top_k\":1}",
            "{\"temperature\":2,\"top_k\":1,\"min_p\":1e-60,\"epsilon_cutoff\":1e-60,\"eta_cutoff\":1e-60}"})
    void generate_valuesThatUnderflow_giveTheLikeliestTokens(String row) throws IOException {
        JsonNode expected = GOLDEN.get("greedy").get("none").get("tokens");
        ObjectNode fields = (ObjectNode) json(row);
        List<Completion> completions = generate(checkpoint(json("{}"), null),
                fields.put("max_new_tokens", 24).toString(), prompts());
        for (int i = 0; i < completions.size(); i++) {
            assertThat(completions.get(i).tokenIds()).isEqualTo(Golden.ints(expected.get(i)));
        }
    }

    @Test
    void generate_temperatureBeyondFloat32_drawsFromAllTokens() throws IOException {
        Completion completion = generate(checkpoint(json("{}"), null),
                "{\"temperature\":1e300,\"top_k\":0,\"max_new_tokens\":24}", prompts()).get(0);
        assertThat(completion.error()).isNull();
        assertThat(Arrays.stream(completion.tokenIds()).distinct().count()).isGreaterThan(12);
    }

    /** Where an embedding that is the head too is no number, that token's logit is none in any row. */
    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"temperature\":1,\"top_k\":0}", "{\"temperature\":1,\"top_p\":0.5,\"min_p\":0.1}",
            "{\"temperature\":1,\"typical_p\":0.5,\"eta_cutoff\":0.1}", "{\"repetition_penalty\":1.5}"})
    void generate_logitsThatAreNoNumbers_areThatRowsError(String row) throws IOException {
        Checkpoint checkpoint = checkpoint(json("{}"), null);
        JsonNode expected = GOLDEN.get("greedy").get("none").get("tokens");
        int spoiled = expected.get(2).get(12).asInt();
        TensorRef embedding = checkpoint.tensor("model.embed_tokens.weight");
        try (FileChannel file = FileChannel.open(embedding.file(), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, Float.NaN),
                    embedding.offset() + 4L * spoiled * checkpoint.config().hidden());
        }
        assertThat(checkpoint.config().tiedEmbeddings()).isTrue();
        assertThat(generate(checkpoint, row, prompts())).hasSize(3).allSatisfy(completion -> {
            assertThat(completion.error()).isEqualTo("the model's logits are not finite numbers");
            assertThat(completion.tokenIds()).isEmpty();
            assertThat(completion.text()).isEmpty();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"temperature\":1,\"top_p\":0.5"})
    void generate_everyTokenRuledOut_isThatRowsErrorAndTheOthersGoOn(String sampling) throws IOException {
        Checkpoint checkpoint = checkpoint(json("{}"), null);
        SamplingParams none = params(checkpoint,
                "{\"max_new_tokens\":24,\"allowed_token_ids\":[3,4],\"suppress_tokens\":[3,4]" + sampling + "}");
        SamplingParams some = params(checkpoint, "{\"max_new_tokens\":24,\"allowed_token_ids\":[3,4,5]}");
        SamplingParams all = params(checkpoint, "{\"max_new_tokens\":24}");
        try (Generator generator = Generator.load(checkpoint, DEVICE, DType.FLOAT32)) {
            List<Request> requests = new ArrayList<>();
            for (SamplingParams params : List.of(none, some, all)) {
                requests.add(new Request(requests.size(), 0, generator.tokenizer().encode("A", false), params));
            }
            List<Completion> completions = generator.generate(requests, 3);
            assertThat(completions.get(0).error()).isEqualTo("no token is left to choose: all are ruled out");
            assertThat(completions.get(1).tokenIds()).hasSize(24).containsOnly(3, 4, 5);
            assertThat(completions.get(2).tokenIds())
                    .isEqualTo(Golden.ints(GOLDEN.get("greedy").get("none").get("tokens").get(2)));
        }
    }

    @Test
    void fields_areAllThatTransformersHas() {
        Set<String> known = new TreeSet<>();
        Arrays.stream(GenerationField.values()).forEach(field -> known.add(field.key()));
        Set<String> theirs = new TreeSet<>();
        GOLDEN.get("fields").forEach(field -> theirs.add(field.asText()));
        assertThat(known).isEqualTo(theirs);
    }

    /** One table for people, which says what the program does. */
    @Test
    void page_saysOfEachFieldWhatIsDone() throws IOException {
        String page = Files.readString(Path.of("src/site/markdown/generation-config.md"));
        for (GenerationField field : GenerationField.values()) {
            String word = switch (field.treatment()) {
                case HONOURED -> "honoured";
                case REFUSED -> "refused";
                case WITHOUT_EFFECT -> "no effect";
            };
            assertThat(page).containsPattern("(?m)^\\| `" + field.key() + "` \\| " + word + " \\|");
        }
        assertThat(page.lines().filter(line -> line.startsWith("| `"))).hasSize(GenerationField.values().length);
    }

    @Test
    void without_fieldThatIsIgnored_goesOn() throws IOException {
        JsonNode beams = json("{\"num_beams\":4,\"no_repeat_ngram_size\":2,\"eos_token_id\":188}");
        Checkpoint checkpoint = checkpoint(beams, null);
        assertThatThrownBy(() -> checkpoint.generationDefaults().without(List.of("no_repeat_ngram_size")))
                .isInstanceOf(ModelException.class).hasMessage(checkpoint.directory().resolve("generation_config.json")
                        + ": num_beams asks for beam search, which is not done here; --ignore-generation-config "
                        + "num_beams goes on without it.");
        assertThat(checkpoint.generationDefaults().without(List.of("num_beams")).fields())
                .isEqualTo(json("{\"eos_token_id\":188,\"no_repeat_ngram_size\":2}"));
        assertThat(checkpoint.generationDefaults().without(List.of("num_beams", "eos_token_id")).eosTokenIds())
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"temperature": "warm"} | temperature must be a number, not "warm"
            {"temperature": NaN}    | temperature must be 0 (greedy) or more, not NaN
            {"num_beams": 4, "top_p": 2} | top_p must be above 0 and at most 1, not 2.0
            """)
    void summary_valueThatCannotBe_namesFileAndField(String config, String sentence) throws IOException {
        Path directory = checkpoint(null, null).directory();
        Path file = Files.writeString(directory.resolve("generation_config.json"), config);
        assertThatThrownBy(() -> ModelCheck.summary(Checkpoint.open(directory))).isInstanceOf(UsageException.class)
                .hasMessage(file + ": " + sentence);
    }

    @Test
    void summary_fieldThatIsRefused_isSaid() throws IOException {
        Path directory = checkpoint(json("{\"num_beams\":4}"), null).directory();
        assertThat(ModelCheck.summary(Checkpoint.open(directory)).lines()).hasSize(2).last().asString()
                .contains("num_beams asks for beam search");
    }

    /** The tokens that are expected, where they are; or else the field is named. */
    private void check(String name, JsonNode config, JsonNode changes, String row, List<String> prompts,
            JsonNode expected) throws IOException {
        Checkpoint checkpoint = checkpoint(config, changes);
        String refused = "";
        for (Iterator<String> keys = config == null ? Set.<String>of().iterator() : config.fieldNames(); keys
                .hasNext();) {
            String key = keys.next();
            if (GenerationField.of(key).orElseThrow().treatment() == GenerationField.Treatment.REFUSED) {
                refused = key;
            }
        }
        boolean neutral = name.endsWith("_1") || name.equals("token_healing");
        if (!refused.isEmpty() && !neutral) {
            assertThatThrownBy(() -> checkpoint.generationDefaults().without(List.of()))
                    .isInstanceOf(ModelException.class).hasMessageContaining(refused);
            return;
        }
        List<Completion> completions = generate(checkpoint, row, prompts);
        for (int i = 0; i < completions.size(); i++) {
            assertThat(completions.get(i).tokenIds()).as("%s, prompt %d", name, i)
                    .isEqualTo(Golden.ints(expected.get(i)));
        }
    }

    private static List<Completion> generate(Checkpoint checkpoint, String row, List<String> prompts)
            throws IOException {
        SamplingParams params = params(checkpoint, row);
        try (Generator generator = Generator.load(checkpoint, DEVICE, DType.FLOAT32)) {
            List<Request> requests = new ArrayList<>();
            for (String prompt : prompts) {
                requests.add(new Request(requests.size(), 0, generator.tokenizer().encode(prompt, false), params));
            }
            return generator.generate(requests, 2);
        }
    }

    private static SamplingParams params(Checkpoint checkpoint, String row) throws IOException {
        return SamplingOverrides.resolve(SamplingFields.ofRow(json(row)), SamplingOverrides.NONE,
                SamplingFields.ofCheckpoint(checkpoint.generationDefaults().without(List.of())));
    }

    private Checkpoint checkpoint(JsonNode generationConfig, JsonNode changes) throws IOException {
        Path model = Files.createTempDirectory(scratch, "model");
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
            Files.copy(CASES.resolve("tiny-model").resolve(file), model.resolve(file));
        }
        if (changes != null) {
            ObjectNode config = (ObjectNode) read(model.resolve("config.json"));
            config.setAll((ObjectNode) changes);
            Files.writeString(model.resolve("config.json"), config.toString());
        }
        if (generationConfig != null && !generationConfig.isNull()) {
            Files.writeString(model.resolve("generation_config.json"), generationConfig.toString());
        }
        return Checkpoint.open(model);
    }

    private static Stream<String> names(String group) {
        List<String> names = new ArrayList<>();
        GOLDEN.get(group).fieldNames().forEachRemaining(names::add);
        return names.stream();
    }

    private static List<String> prompts() {
        List<String> prompts = new ArrayList<>();
        GOLDEN.get("prompts").forEach(prompt -> prompts.add(prompt.asText()));
        return prompts;
    }

    private static JsonNode json(String text) throws IOException {
        return Json.MAPPER.readTree(text);
    }

    private static JsonNode read(Path file) {
        try {
            return Json.MAPPER.readTree(file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
