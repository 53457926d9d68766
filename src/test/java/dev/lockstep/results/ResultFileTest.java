package dev.lockstep.results;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.generate.Completion;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.Prompt;
import dev.lockstep.prompts.SamplingOverrides;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ResultFileTest {
    private static final Prompt GOOD = new Prompt(0, "a", "Grüße \"😀\"\n", SamplingOverrides.NONE, null);
    private static final Prompt BROKEN = new Prompt(1, "1", null, SamplingOverrides.NONE, "line 2: prompt is missing");
    private static final Result DONE = Result.of(GOOD,
            new Completion(0, 0, new int[]{5, 6, 1}, " zurück", 4, FinishReason.EOS, null, null), 1, null);
    private static final Result FAILED = Result.failed(BROKEN, 0, 0, 0, BROKEN.error());

    private static final String LINES = """
            {"index":0,"id":"a","sample":0,"prompt":"Grüße \\"😀\\"\\n","text":" zurück","token_ids":[5,6,1],"prompt_tokens":4,"completion_tokens":3,"finish_reason":"eos","rank":1}
            {"index":1,"id":"1","sample":0,"prompt":"","text":"","token_ids":[],"prompt_tokens":0,"completion_tokens":0,"finish_reason":"error","rank":0,"error":"line 2: prompt is missing"}
            """;
    private static final String ARRAY = """
            [ {
              "index": 0,
              "id": "a",
              "sample": 0,
              "prompt": "Grüße \\"😀\\"\\n",
              "text": " zurück",
              "token_ids": [ 5, 6, 1 ],
              "prompt_tokens": 4,
              "completion_tokens": 3,
              "finish_reason": "eos",
              "rank": 1
            }, {
              "index": 1,
              "id": "1",
              "sample": 0,
              "prompt": "",
              "text": "",
              "token_ids": [ ],
              "prompt_tokens": 0,
              "completion_tokens": 0,
              "finish_reason": "error",
              "rank": 0,
              "error": "line 2: prompt is missing"
            } ]
            """;

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"r.jsonl", "r.txt", "r"})
    void write_anyName_isJsonLinesInOrder(String name) throws Exception {
        assertThat(written(name, List.of(DONE, FAILED))).isEqualTo(LINES);
    }

    /** As Python's csv module reads it: a line break within quotes, quotes doubled, lists as JSON. */
    @Test
    void write_csv_isATableInOrder() throws Exception {
        assertThat(written("r.csv", List.of(DONE, FAILED))).isEqualTo("""
                index,id,sample,prompt,text,finish_reason,error,prompt_tokens,completion_tokens,rank,token_ids,\
                score_logprob,score_greedy,embedding,logprobs,top_logprobs,prompt_logprobs
                0,a,0,"Grüße ""😀""
                ", zurück,eos,,4,3,1,"[5,6,1]",,,,,,
                1,1,0,,,error,line 2: prompt is missing,0,0,0,[],,,,,,
                """);
        assertThat(written("r.tsv", List.of())).startsWith("index\tid\t").endsWith("\tprompt_logprobs\n")
                .containsOnlyOnce("\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"r.json", "R.JSON"})
    void write_json_isOnePrettyArrayInOrder(String name) throws Exception {
        assertThat(written(name, List.of(DONE, FAILED))).isEqualTo(ARRAY);
    }

    /** Against what NumPy 2.4 writes of the same: {@code numpy.save} of a float32 array of three rows. */
    @Test
    void write_matrix_isWhatNumPyWrites(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("v.npy");
        ResultFile.write(List.of(FAILED, vector(0.5f, -1), vector(3, 1e-9f)).iterator(), 3, file.toString(), null);
        byte[] bytes = Files.readAllBytes(file);
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
        assertThat(HexFormat.of().formatHex(bytes, 0, 10)).isEqualTo("934e554d505901007600");
        assertThat(new String(bytes, 10, 118, StandardCharsets.US_ASCII))
                .isEqualTo(header + " ".repeat(117 - header.length()) + "\n");
        assertThat(HexFormat.of().formatHex(bytes, 128, bytes.length))
                .isEqualTo("0000c07f0000c07f0000003f000080bf000040405f708930");
        ResultFile.write(List.of(FAILED).iterator(), 1, file.toString(), null);
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).contains("'shape': (1, 0)");
        assertThatThrownBy(
                () -> ResultFile.write(List.of(vector(1, 2), vector(1)).iterator(), 2, file.toString(), null))
                        .isInstanceOf(IOException.class)
                        .hasMessageEndingWith("its rows have 2 and 1 dimensions, and those of a matrix all"
                                + " have as many: name a file that ends in .jsonl");
    }

    /** As safetensors' load_file reads it. */
    @Test
    void write_safetensors_isATensorOfTheVectors(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("v.safetensors");
        ResultFile.write(List.of(FAILED, vector(0.5f, -1), vector(3, 1e-9f)).iterator(), 3, file.toString(), null);
        byte[] bytes = Files.readAllBytes(file);
        String header = "{\"embeddings\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}";
        int length = (header.length() + 7) / 8 * 8;
        assertThat(HexFormat.of().formatHex(bytes, 0, 8)).isEqualTo(String.format("%02x00000000000000", length));
        assertThat(new String(bytes, 8, length, StandardCharsets.US_ASCII).strip()).isEqualTo(header);
        assertThat(HexFormat.of().formatHex(bytes, 8 + length, bytes.length))
                .isEqualTo("0000c07f0000c07f0000003f000080bf000040405f708930");
    }

    private static Result vector(float... values) {
        return new Result(1, "b", 0, "p", "", new int[0], null, values, null, null, null, 4, 0, FinishReason.LENGTH, 0,
                null,
                null);
    }

    @Test
    void write_nothing_isAnEmptyFileOrArray() throws Exception {
        assertThat(written("r.jsonl", List.of())).isEmpty();
        assertThat(Json.MAPPER.readTree(written("r.json", List.of())).isArray()).isTrue();
    }

    @Test
    void write_dash_isJsonLinesOnStdoutWhichStaysOpen() throws Exception {
        var bytes = new ByteArrayOutputStream();
        var stdout = new PrintStream(bytes, false, StandardCharsets.UTF_8);
        ResultFile.write(List.of(DONE, FAILED).iterator(), 2, "-", stdout);
        stdout.print("after");
        stdout.flush();
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(LINES + "after");
    }

    @Test
    void write_closedStdout_isAnError() {
        var stdout = new PrintStream(new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        });
        assertThatThrownBy(() -> ResultFile.write(List.of(DONE).iterator(), 1, "-", stdout))
                .isInstanceOf(IOException.class)
                .hasMessage("stdout was closed before all results were written");
    }

    @Test
    void write_existingFile_isReplacedThroughItsLink() throws Exception {
        var file = Files.writeString(dir.resolve("old.jsonl"), "old ".repeat(1000));
        var link = Files.createSymbolicLink(dir.resolve("link.jsonl"), file);
        ResultFile.write(List.of(DONE, FAILED).iterator(), 2, link.toString(), null);
        assertThat(link).isSymbolicLink();
        assertThat(Files.readString(file)).isEqualTo(LINES);
    }

    @Test
    void write_device_isWrittenToAndStaysADevice() throws Exception {
        ResultFile.write(List.of(DONE).iterator(), 1, "/dev/null", null);
        assertThat(Files.isRegularFile(Path.of("/dev/null"))).isFalse();
        assertThat(Path.of("/dev/null")).exists();
    }

    @Test
    void write_thatFails_leavesTheOldFileAndNothingElse() throws Exception {
        var file = Files.writeString(dir.resolve("r.jsonl"), "old");
        assertThatThrownBy(() -> AtomicFile.write(file.toString(), out -> {
            out.write(new byte[1 << 20]);
            throw new IOException("no space left");
        })).isInstanceOf(IOException.class).hasMessage(file + " cannot be written: no space left");
        assertThat(file).hasContent("old");
        assertThat(dir).isDirectoryContaining(file::equals);
        try (var files = Files.list(dir)) {
            assertThat(files).containsExactly(file);
        }
    }

    /** A process that is killed amid writing. */
    static final class Killed {
        public static void main(String[] args) throws IOException {
            AtomicFile.write(args[0], out -> {
                out.write(new byte[1 << 20]);
                Runtime.getRuntime().halt(137);
            });
        }
    }

    @Test
    void write_afterAProcessThatWasKilledAtIt_leavesNothingBesideTheFile() throws Exception {
        var file = Files.writeString(dir.resolve("r.jsonl"), "old");
        var java = Path.of(System.getProperty("java.home"), "bin/java").toString();
        var killed = new ProcessBuilder(java, "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                Killed.class.getName(), file.toString()).inheritIO().start();
        assertThat(killed.waitFor()).isEqualTo(137);
        assertThat(file).hasContent("old");
        assertThat(dir).isDirectoryContaining("glob:**/.r.jsonl.*");
        AtomicFile.write(file.toString(), out -> out.write('n'));
        assertThat(file).hasContent("n");
        try (var files = Files.list(dir)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void write_thenRead_givesEqualResults() throws Exception {
        var random = new Random(7);
        for (int round = 0; round < 50; round++) {
            var results = new ArrayList<Result>();
            for (int index = 0; index < random.nextInt(20); index++) {
                for (int sample = 0; sample < 1 + random.nextInt(3); sample++) {
                    results.add(arbitrary(random, index, sample));
                }
            }
            List<Result> lines = written("r.jsonl", results).lines().map(ResultFileTest::read).toList();
            assertThat(lines).usingRecursiveFieldByFieldElementComparator().isEqualTo(results);
            var array = Json.MAPPER.readValue(written("r.json", results), Result[].class);
            assertThat(array).usingRecursiveFieldByFieldElementComparator().containsExactlyElementsOf(results);
        }
    }

    @Test
    void of_failedCompletion_keepsThePromptAndEmptiesTheText() {
        var result = Result.of(GOOD, new Completion(0, 2, new int[]{5}, "half", 4, FinishReason.ERROR, "out of memory",
                null), 3, null);
        assertThat(result).usingRecursiveComparison().isEqualTo(new Result(0, "a", 2, GOOD.text(), "", new int[0], 4, 0,
                FinishReason.ERROR, 3, "out of memory"));
    }

    @Test
    void result_errorWithoutItsFinishReason_isRefused() {
        assertThatThrownBy(() -> new Result(4, "4", 0, "", "", new int[0], 0, 0, FinishReason.EOS, 0, "why"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Result(4, "4", 0, "", "", new int[0], 0, 0, FinishReason.ERROR, 0, null))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private String written(String name, List<Result> results) throws IOException {
        ResultFile.write(results.iterator(), results.size(), dir.resolve(name).toString(), null);
        return Files.readString(dir.resolve(name));
    }

    private static Result read(String line) {
        try {
            return Json.MAPPER.readValue(line, Result.class);
        } catch (IOException e) {
            throw new AssertionError(line, e);
        }
    }

    private static Result arbitrary(Random random, int index, int sample) {
        var ids = random.ints(random.nextInt(6), 0, 200_000).toArray();
        var reason = FinishReason.values()[random.nextInt(4)];
        var error = reason == FinishReason.ERROR ? text(random) : null;
        return new Result(index, text(random), sample, text(random), text(random), ids, random.nextInt(99), ids.length,
                reason, random.nextInt(8), error);
    }

    /** Any characters, controls, quotes and line separators included, and none that is half a pair. */
    private static String text(Random random) {
        return random.ints(random.nextInt(30), 0, Character.MAX_CODE_POINT + 1)
                .map(c -> random.nextBoolean() ? c % 128 : c).filter(c -> c < 0xd800 || c > 0xdfff)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
