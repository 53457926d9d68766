package dev.lockstep.batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.json.Json;

import static dev.lockstep.fixtures.Runs.field;
import static dev.lockstep.fixtures.Runs.rows;
import static dev.lockstep.fixtures.Runs.sum;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What a run that goes well leaves on stdout and in its files, as CLI users read it. */
class GenerateIT {
    private static final Pattern LAST_LINE = Pattern
            .compile("tokens/sec: (\\d+\\.\\d), time elapsed: (\\d+\\.\\d\\d), num_tokens (\\d+), num_prompts (\\d+)");
    private static final int END_TOKEN = 1;

    @TempDir
    private Path temp;

    @Test
    void exampleInBlocks_hundredPromptsInOrder() throws IOException {
        Launched.Result result = Runs.succeed(2, temp, "--split", "block");
        try (Stream<Path> files = Files.list(temp)) {
            assertThat(files).containsExactly(temp.resolve("results.jsonl"));
        }
        List<JsonNode> rows = rows(temp.resolve("results.jsonl"));
        List<String> numbers = IntStream.range(0, 100).mapToObj(Integer::toString).toList();
        assertThat(field(rows, "index")).isEqualTo(numbers);
        assertThat(field(rows, "id")).isEqualTo(numbers);
        assertThat(field(rows, "sample")).containsOnly("0").hasSize(100);
        assertThat(field(rows, "prompt")).isEqualTo(Runs.firstLines());
        assertThat(rows.stream().map(row -> row.get("rank").asInt()))
                .isEqualTo(IntStream.range(0, 100).map(i -> i / 50).boxed().toList());
        rows.forEach(GenerateIT::checkRow);
        List<String> texts = field(rows, "text").stream().filter(text -> !text.isEmpty()).toList();
        assertThat(texts).doesNotHaveDuplicates();
        // a verse that the model takes for complete gets the end token at once, which is no text
        assertThat(texts).hasSizeGreaterThanOrEqualTo(97);
        assertThat(result.lines()).hasSize(1);
        checkLastLine(result.stdout().strip(), rows, 100);
    }

    /** A row of kjv-6m without options, which has learned English. */
    private static void checkRow(JsonNode row) {
        assertThat(row.fieldNames()).toIterable().containsExactly("index", "id", "sample", "prompt", "text",
                "token_ids", "prompt_tokens", "completion_tokens", "finish_reason", "rank");
        JsonNode tokens = row.get("token_ids");
        String text = row.get("text").asText();
        boolean ended = tokens.get(tokens.size() - 1).asInt() == END_TOKEN;
        assertThat(row.get("finish_reason").asText()).isEqualTo(ended ? "eos" : "length");
        assertThat(tokens).hasSize(row.get("completion_tokens").asInt()).hasSizeBetween(1, 100);
        assertThat(ended || tokens.size() == 100).isTrue();
        assertThat(row.get("prompt_tokens").asInt()).isBetween(2, 60);
        assertThat(text).matches("[\\p{L}\\p{P}\\s]*").doesNotContain("<|");
        assertThat(text.isBlank()).as("row %s: %s", row.get("index"), text).isEqualTo(ended && tokens.size() == 1);
        if (tokens.size() == 100) {
            assertThat(text.split("\\s+")).hasSizeGreaterThan(40);
        }
    }

    private static void checkLastLine(String line, List<JsonNode> rows, int prompts) {
        Matcher match = LAST_LINE.matcher(line);
        assertThat(match.matches()).as(line).isTrue();
        long tokens = sum(rows, "completion_tokens");
        double seconds = Double.parseDouble(match.group(2));
        assertThat(match.group(3)).isEqualTo(Long.toString(tokens));
        assertThat(match.group(4)).isEqualTo(Integer.toString(prompts));
        // of rounded seconds: half a hundredth either way
        assertThat(Double.parseDouble(match.group(1))).isBetween(tokens / (seconds + 0.005) - 0.06,
                tokens / (seconds - 0.005) + 0.06);
    }

    @Test
    void dashes_readStdinAndWriteStdout() {
        StringBuilder input = new StringBuilder();
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add("row-" + i);
            input.append("{\"id\": \"row-").append(i).append("\", \"prompt\": \"In the beginning\"}\n");
        }
        Launched.Result result = Runs.generate(2, temp, "--prompts", "-", "--output", "-", "--max-new-tokens", "5",
                "--ignore-eos", "--split", "block").input(input.toString()).run();
        assertThat(result.stderr()).isEmpty();
        assertThat(result.exitCode()).isZero();
        assertThat(result.lines()).hasSize(6);
        List<JsonNode> rows = result.lines().subList(0, 5).stream().map(Runs::json).toList();
        assertThat(field(rows, "id")).isEqualTo(ids);
        assertThat(field(rows, "rank")).containsExactly("0", "0", "0", "1", "1");
        assertThat(sum(rows, "completion_tokens")).isEqualTo(25);
        checkLastLine(result.lines().get(5), rows, 5);
        assertThat(temp).isEmptyDirectory();
    }

    @Test
    void jsonOutputAndReport_agree() throws IOException {
        Launched.Result result = Runs.succeed(2, temp, "--output", "x.json", "--report", "r.json", "--max-new-tokens",
                "30", "--split", "block");
        assertThat(result.lines()).hasSize(1);
        String text = Files.readString(temp.resolve("x.json"));
        assertThat(text).startsWith("[ {\n").contains("\n  \"index\": 0,\n").endsWith("]\n");
        JsonNode array = Runs.json(text);
        assertThat(array.isArray()).isTrue();
        List<JsonNode> rows = new ArrayList<>();
        array.forEach(rows::add);
        assertThat(rows).hasSize(100);
        checkLastLine(result.stdout().strip(), rows, 100);
        checkReport(Runs.json(temp.resolve("r.json")), rows, result.stdout());
    }

    private static void checkReport(JsonNode report, List<JsonNode> rows, String stdout) {
        assertThat(report.fieldNames()).toIterable().containsExactly("prompts", "tokens", "prompt_tokens", "seconds",
                "tokens_per_second", "failed", "world_size", "batch_size", "dtype", "device", "model", "load_seconds",
                "tensor_parallel", "restarts", "deaths", "ranks");
        double seconds = report.get("seconds").asDouble();
        assertThat(report.get("prompts").asInt()).isEqualTo(100);
        assertThat(report.get("tokens").asLong()).isEqualTo(sum(rows, "completion_tokens"));
        assertThat(report.get("prompt_tokens").asLong()).isEqualTo(sum(rows, "prompt_tokens"));
        assertThat(stdout).contains(String.format("time elapsed: %.2f,", seconds));
        assertThat(report.get("tokens_per_second").asDouble()).isEqualTo(report.get("tokens").asLong() / seconds,
                within(1e-6));
        assertThat(report.get("failed").asInt()).isZero();
        assertThat(report.get("world_size").asInt()).isEqualTo(2);
        assertThat(report.get("batch_size").asInt()).isEqualTo(50);
        assertThat(report.get("dtype").asText()).isEqualTo("float32");
        assertThat(report.get("device").asText()).isEqualTo("cpu");
        assertThat(report.get("model").asText()).isEqualTo(Runs.KJV.toString());
        assertThat(report.get("load_seconds").asDouble()).isPositive();
        assertThat(report.get("ranks")).hasSize(2);
        for (int rank = 0; rank < 2; rank++) {
            checkRank(report.get("ranks").get(rank), rank, rows.subList(50 * rank, 50 * rank + 50), seconds);
        }
    }

    /** Rows that begin alike are apart in the table, so that they are read out of turn; one has a line break, one is broken. */
    @Test
    void tables_inAndOut_areTheResultsOfTheJsonLines() throws IOException {
        List<String> lines = Runs.firstLines();
        String[] alike = {(lines.get(0) + " ").repeat(12), (lines.get(3) + "\n").repeat(12)};
        StringBuilder table = new StringBuilder("id,prompt,max_new_tokens,greedy\n");
        StringBuilder json = new StringBuilder();
        for (int i = 0; i < 24; i++) {
            String prompt = alike[i % 2] + "\"" + lines.get(i) + "\"";
            table.append("r").append(i).append(",\"").append(prompt.replace("\"", "\"\"")).append("\",")
                    .append(3 + i).append(",true\n");
            json.append(Json.MAPPER.createObjectNode().put("id", "r" + i).put("prompt", prompt)
                    .put("max_new_tokens", 3 + i).put("greedy", true)).append('\n');
        }
        Files.writeString(temp.resolve("p.csv"), table + "bad,\n");
        Files.writeString(temp.resolve("p.jsonl"), json);
        Runs.succeed(1, temp, "--prompts", "p.jsonl", "--output", "r.jsonl");
        Launched.Result result = Runs.generate(2, temp, "--prompts", "p.csv", "--output", "r.csv", "--batch-size", "4")
                .run();
        assertThat(result.exitCode()).as(result.stderr()).isEqualTo(3);
        List<JsonNode> rows = rows(temp.resolve("r.jsonl"));
        String written = Files.readString(temp.resolve("r.csv"));
        assertThat(written).startsWith("index,id,sample,prompt,text,finish_reason,error,");
        for (JsonNode row : rows) {
            String line = "\n" + row.get("index").asText() + "," + row.get("id").asText() + ",0,\""
                    + row.get("prompt").asText().replace("\"", "\"\"") + "\",";
            int at = written.indexOf(line);
            assertThat(at).as(line).isNotNegative();
            String rest = written.substring(at + line.length());
            assertThat(rest.substring(0, rest.indexOf("\n" + (row.get("index").asInt() + 1) + ",")))
                    .contains(",\"" + row.get("token_ids") + "\",");
        }
        assertThat(written)
                .contains("\n24,24,0,,,error,\"line 170: has 2 cells, and the first line names 4 columns\",");
    }

    @Test
    void watch_showsSomeRowsOfEachRank() {
        Launched.Result result = Launched
                .mpjrun("--watch", "-np", "2", "--device", "cpu", "generate", "--split", "block",
                        "--max-new-tokens", "30", "--output", temp.resolve("r.jsonl").toString())
                .in(temp).run();
        assertThat(result.exitCode()).as(result.stderr()).isZero();
        List<JsonNode> rows = rows(temp.resolve("r.jsonl"));
        List<String> shown = result.stderr().lines().filter(line -> line.startsWith("row ")).toList();
        assertThat(shown).hasSizeBetween(2, 60);
        List<Integer> numbers = new ArrayList<>();
        for (String line : shown) {
            int number = Integer.parseInt(line.substring("row ".length(), line.indexOf(':')));
            numbers.add(number);
            String text = rows.get(number).get("text").asText();
            assertThat(line).contains(" -> " + text.substring(0, Math.min(60, text.length())).replace("\n", "\\n"));
        }
        assertThat(numbers).anyMatch(number -> number < 50).anyMatch(number -> number >= 50);
    }

    private static void checkStart(JsonNode start) {
        assertThat(start.fieldNames()).toIterable().containsExactly("launch", "jvm", "world", "tokenizer", "library",
                "weights", "kernels", "warm_up", "first_tokens", "graphs");
        for (String item : List.of("launch", "jvm", "world", "tokenizer", "library", "weights", "warm_up",
                "first_tokens")) {
            assertThat(start.get(item).asDouble()).as(item).isBetween(1e-6, 300.0);
        }
        assertThat(start.get("graphs").asDouble()).isZero();
    }

    private static void checkRank(JsonNode report, int rank, List<JsonNode> rows, double jobSeconds) {
        assertThat(report.fieldNames()).toIterable().containsExactly("rank", "host", "device", "prompts", "tokens",
                "seconds", "prefill_seconds", "decode_seconds", "steps", "peak_memory_bytes", "prompting", "drafting",
                "start");
        assertThat(report.at("/drafting/tokens").asLong()).as("without --speculate").isZero();
        checkStart(report.get("start"));
        assertThat(report.at("/prompting/computed_tokens").asLong() + report.at("/prompting/shared_tokens").asLong())
                .isEqualTo(sum(rows, "prompt_tokens"));
        assertThat(report.at("/prompting/interruptions").asLong()).isZero();
        assertThat(report.get("rank").asInt()).isEqualTo(rank);
        assertThat(field(rows, "rank")).containsOnly(Integer.toString(rank));
        assertThat(report.get("host").asText()).isNotBlank();
        assertThat(report.get("device").asText()).isEqualTo("cpu");
        assertThat(report.get("prompts").asInt()).isEqualTo(50);
        assertThat(report.get("tokens").asLong()).isEqualTo(sum(rows, "completion_tokens"));
        double prefill = report.get("prefill_seconds").asDouble();
        double decode = report.get("decode_seconds").asDouble();
        assertThat(prefill).isPositive();
        assertThat(decode).isPositive();
        assertThat(prefill + decode).isLessThanOrEqualTo(report.get("seconds").asDouble());
        assertThat(report.get("seconds").asDouble()).isLessThanOrEqualTo(jobSeconds);
        // all 50 rows at once; the first token of each comes from prefill
        int longest = rows.stream().mapToInt(row -> row.get("completion_tokens").asInt()).max().orElseThrow();
        assertThat(report.get("steps").asInt()).isEqualTo(longest - 1);
        assertThat(report.get("peak_memory_bytes").asLong()).isBetween(100_000_000L, 1_200_000_000L);
    }
}
