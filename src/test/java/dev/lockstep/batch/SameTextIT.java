package dev.lockstep.batch;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Combinations;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.Runs;

import static dev.lockstep.fixtures.Combinations.key;
import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Runs.field;
import static dev.lockstep.fixtures.Runs.rows;
import static org.assertj.core.api.Assertions.assertThat;

/** Neither the number of ranks nor the batch size shows in a text: greedy it is transformers', sampled it is the seed's. */
class SameTextIT {
    private static final String[] SAMPLED = {"--temperature", "0.8", "--top-p", "0.95", "--max-new-tokens", "30",
            "--ignore-eos", "--prompts", "prompts.jsonl"};

    /** Of one rank and batch size 1: what all others must come to. */
    private static JsonNode sampledAlone;

    @TempDir
    private Path temp;

    @ParameterizedTest
    @LongRun
    @ValueSource(ints = {1, 2, 3})
    void everyFamilyAndBatchSize_equalsTransformersAndItself(int ranks) {
        for (String family : Golden.CHECKPOINTS) {
            Golden.copyWithTokenizer(family, temp);
        }
        Launched.Result result = Launched.mpjrun("-np", Integer.toString(ranks), "--device", "cpu", "-cp",
                TEST_CLASSES, "dev.lockstep.fixtures.Combinations", temp.resolve("answers.json").toString(),
                temp.toString()).run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        JsonNode answers = Runs.json(temp.resolve("answers.json"));
        for (String family : Golden.CHECKPOINTS) {
            for (int batchSize : Combinations.batchSizes(family)) {
                checkGolden(family, answers.get(key(family, "free", batchSize)),
                        answers.get(key(family, "ended", batchSize)));
            }
        }
        checkSampled(answers, ranks);
    }

    private static void checkGolden(String family, JsonNode free, JsonNode ended) {
        JsonNode cases = Golden.expected(family).get("cases");
        assertThat(free).as(family).hasSameSizeAs(cases);
        assertThat(ended).as(family).hasSameSizeAs(cases);
        for (int i = 0; i < cases.size(); i++) {
            JsonNode golden = cases.get(i);
            assertThat(free.get(i).get("ids")).as("%s, prompt %d", family, i).isEqualTo(golden.get("greedy_ids"));
            assertThat(free.get(i).get("text")).isEqualTo(golden.get("greedy_text"));
            assertThat(free.get(i).get("finishReason").asText()).isEqualTo("length");
            assertThat(ended.get(i).get("ids")).as("%s, prompt %d", family, i)
                    .isEqualTo(golden.get("with_eos").get("ids"));
            assertThat(ended.get(i).get("finishReason")).isEqualTo(golden.get("with_eos").get("finish_reason"));
        }
    }

    private static void checkSampled(JsonNode answers, int ranks) {
        for (int batchSize : Combinations.SAMPLED_BATCH_SIZES) {
            checkSampled(answers, "sampled", ranks, batchSize);
            checkSampled(answers, "completed", ranks, batchSize);
        }
    }

    private static void checkSampled(JsonNode answers, String how, int ranks, int batchSize) {
        List<JsonNode> rows = new ArrayList<>();
        answers.get(key("kjv-6m", how, batchSize)).forEach(rows::add);
        assertThat(rows).hasSize(Combinations.SAMPLED_PROMPTS);
        assertThat(field(rows, "rank").stream().distinct()).hasSize(ranks);
        assertThat(field(rows, "text")).doesNotHaveDuplicates();
        JsonNode ids = Runs.json(rows.stream().map(row -> row.get("ids")).toList().toString());
        if (sampledAlone == null) {
            sampledAlone = ids;
        }
        assertThat(ids).as("%s, %d ranks, batch size %d", how, ranks, batchSize).isEqualTo(sampledAlone);
    }

    /** The prompts as text: tokenizer, options and files are in it too. */
    @ParameterizedTest
    @LongRun(butFor = 2)
    @CsvSource({"qwen2, 1, 10, false", "mistral-sliding, 2, 4, true", "llama-gqa-bfloat16, 3, 1, true"})
    void generate_goldenPrompts_equalTransformers(String family, int ranks, String batchSize, boolean endToken) {
        JsonNode expected = Golden.expected(family);
        Path model = Golden.copyWithTokenizer(family, temp);
        List<String> texts = new ArrayList<>();
        expected.get("cases").forEach(golden -> texts.add(golden.get("prompt").asText()));
        Runs.prompts(temp.resolve("prompts.jsonl"), texts);
        String[] common = {"--model", model.toString(), "--prompts", "prompts.jsonl", "--no-special-tokens",
                "--greedy", "--max-new-tokens", "40", "--batch-size", batchSize};
        Runs.succeed(ranks, temp, endToken
                ? with(common, "--eos-token-id", expected.get("eos_token_id").asText())
                : with(common, "--ignore-eos"));
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        assertThat(rows).hasSameSizeAs(texts);
        for (int i = 0; i < texts.size(); i++) {
            JsonNode row = rows.get(i);
            JsonNode golden = expected.get("cases").get(i);
            assertThat(row.get("prompt_tokens").asInt()).isEqualTo(golden.get("prompt_ids").size());
            if (endToken) {
                assertThat(row.get("token_ids")).as("prompt %d", i).isEqualTo(golden.get("with_eos").get("ids"));
                assertThat(row.get("finish_reason")).isEqualTo(golden.get("with_eos").get("finish_reason"));
            } else {
                assertThat(row.get("token_ids")).as("prompt %d", i).isEqualTo(golden.get("greedy_ids"));
                assertThat(row.get("text")).isEqualTo(golden.get("greedy_text"));
                assertThat(row.get("finish_reason").asText()).isEqualTo("length");
            }
        }
    }

    @Test
    void generate_sameSeed_sameTextForAnyRanksBatchSizeAndSamples() {
        List<String> prompts = Runs.firstLines().subList(0, 10);
        Runs.prompts(temp.resolve("prompts.jsonl"), prompts);
        Runs.succeed(1, temp, with(SAMPLED, "--output", "alone.jsonl", "--one-by-one"));
        Runs.succeed(2, temp, with(SAMPLED, "--output", "two.jsonl", "--batch-size", "3", "--seed", "0", "--split",
                "block"));
        Runs.succeed(3, temp, with(SAMPLED, "--output", "samples.jsonl", "--batch-size", "16", "--num-samples", "2"));
        Runs.succeed(2, temp, with(SAMPLED, "--output", "other.jsonl", "--batch-size", "16", "--seed", "1"));
        List<JsonNode> alone = rows(temp.resolve("alone.jsonl"));
        List<String> texts = field(alone, "text");
        assertThat(field(alone, "prompt")).isEqualTo(prompts);
        assertThat(field(alone, "completion_tokens")).containsOnly("30");
        assertThat(field(rows(temp.resolve("two.jsonl")), "text")).isEqualTo(texts);
        List<JsonNode> samples = rows(temp.resolve("samples.jsonl"));
        assertThat(samples).hasSize(20);
        assertThat(field(samples, "rank")).contains("0", "1", "2");
        for (int i = 0; i < 20; i++) {
            assertThat(samples.get(i).get("index").asInt()).isEqualTo(i / 2);
            assertThat(samples.get(i).get("sample").asInt()).isEqualTo(i % 2);
        }
        List<JsonNode> first = samples.stream().filter(row -> row.get("sample").asInt() == 0).toList();
        List<JsonNode> second = samples.stream().filter(row -> row.get("sample").asInt() == 1).toList();
        assertThat(field(first, "text")).isEqualTo(texts);
        List<String> other = field(rows(temp.resolve("other.jsonl")), "text");
        assertThat(other).hasSize(10);
        for (int i = 0; i < 10; i++) {
            assertThat(second.get(i).get("text").asText()).isNotEqualTo(texts.get(i));
            assertThat(other.get(i)).isNotEqualTo(texts.get(i));
        }
    }

    /** Prompts whose beginning comes again, by one rank with and without drafts, and by two that compute the model together. */
    @Test
    @LongRun
    void generate_withDrafts_hasTheSameResultsInFewerSteps() {
        List<String> prompts = new ArrayList<>();
        for (String line : Runs.firstLines().subList(0, 10)) {
            prompts.add(line + " " + line + " " + line.substring(0, line.length() / 2));
        }
        Runs.prompts(temp.resolve("prompts.jsonl"), prompts);
        String[] common = {"--greedy", "--max-new-tokens", "40", "--ignore-eos", "--batch-size", "2", "--prompts",
                "prompts.jsonl", "--logprobs", "1"};
        Runs.succeed(1, temp, with(common, "--output", "plain.jsonl", "--report", "plain.json"));
        Runs.succeed(1, temp, with(common, "--output", "drafts.jsonl", "--report", "drafts.json", "--speculate",
                "ngram"));
        Runs.succeed(2, temp, with(common, "--output", "two.jsonl", "--tensor-parallel", "2", "--speculate", "ngram"));
        List<String> tokens = tokens("plain.jsonl");
        assertThat(tokens).hasSize(10).doesNotHaveDuplicates();
        assertThat(tokens("drafts.jsonl")).isEqualTo(tokens);
        assertThat(tokens("two.jsonl")).isEqualTo(tokens);
        JsonNode plain = Runs.json(temp.resolve("plain.json")).at("/ranks/0");
        JsonNode drafts = Runs.json(temp.resolve("drafts.json")).at("/ranks/0");
        assertThat(plain.at("/drafting/tokens").asLong()).isZero();
        long right = drafts.at("/drafting/right").asLong();
        assertThat(right).isPositive().isLessThan(drafts.at("/drafting/tokens").asLong());
        assertThat(drafts.get("steps").asLong()).isLessThan(plain.get("steps").asLong());
    }

    private List<String> tokens(String results) {
        return rows(temp.resolve(results)).stream().map(row -> row.get("token_ids").toString()).toList();
    }

    private static String[] with(String[] common, String... more) {
        List<String> all = new ArrayList<>(List.of(common));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }
}
