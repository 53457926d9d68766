package dev.lockstep.prompts;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.batch.GenerateOptions;
import dev.lockstep.fixtures.Runs;
import dev.lockstep.generate.TokenRules;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PromptReaderTest {
    @TempDir
    Path dir;

    @Test
    void readAll_shippedExample_has100GoodPrompts() {
        var prompts = PromptReader.readAll(GenerateOptions.parse().prompts(), InputStream.nullInputStream());
        assertThat(prompts).hasSize(100).allMatch(prompt -> prompt.error() == null);
        assertThat(prompts.get(0)).isEqualTo(good(0, "0", "The King is dead. Long live the Queen."));
    }

    @Test
    void readAll_jsonl_numbersRowsAndKeepsIdsAndFields() throws Exception {
        var prompts = read("p.jsonl", """
                {"prompt": "a", "category": {"any": "thing"}, "temperature": null, "presence_penalty": 0}

                {"prompt": " b\\n", "id": "x"}
                "c"
                {"id": 12345678901234567890, "prompt": "Dünn 😀", "temperature": 0.5, "max_tokens": 3, "stop": "."}
                """);
        assertThat(prompts).containsExactly(
                new Prompt(0, "0", "a", SamplingFields.ofRow(Runs.json("{\"presence_penalty\": 0}")), null),
                good(1, "x", " b\n"), good(2, "2", "c"),
                new Prompt(3, "12345678901234567890", "Dünn 😀",
                        new SamplingOverrides(null, 0.5, null, null, null, null, null, null, null, 3, null, null, null,
                                null, List.of("."), null, null, TokenRules.NONE),
                        null));
    }

    @Test
    void readAll_txt_isOnePromptPerLineThatIsNotBlank() throws Exception {
        assertThat(read("p.TXT", "\uFEFFa\r\n\r\n {\"b\"} \n   \nc")).containsExactly(good(0, "0", "a"),
                good(1, "1", " {\"b\"} "), good(2, "2", "c"));
    }

    @Test
    void readAll_json_isAnArrayOfStringsAndObjects() throws Exception {
        assertThat(read("p.json", "\uFEFF[\"a\", {\"prompt\": \"b\", \"id\": 7},\n {\"id\": \"x\"}, null, \"d\"]\n"))
                .containsExactly(good(0, "0", "a"), good(1, "7", "b"), broken(2, "x", "item 3: prompt is missing"),
                        broken(3, "3", "item 4: a row must be an object with a prompt, not null"), good(4, "4", "d"));
    }

    @Test
    void readAll_dash_readsStdinAsJsonLines() {
        var stdin = new ByteArrayInputStream("\uFEFF{\"prompt\":\"a\"}\r\n".getBytes(StandardCharsets.UTF_8));
        assertThat(PromptReader.readAll("-", stdin)).containsExactly(good(0, "0", "a"));
    }

    @Test
    void readAll_device_isReadAsJsonLines() {
        assertThat(PromptReader.readAll("/dev/null", InputStream.nullInputStream())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
            p.jsonl, ''
            p.jsonl, '\n\n'
            p.txt,   ''
            p.json,  ''
            p.json,  '[]'
            """)
    void readAll_nothingIn_isEmpty(String name, String content) throws Exception {
        assertThat(read(name, content)).isEmpty();
    }

    @Test
    void readAll_longLine_isOnePrompt() throws Exception {
        // Jackson's own limit on a string is 20 million characters
        var text = "x".repeat(20_000_001);
        assertThat(read("p.jsonl", "{\"prompt\":\"" + text + "\"}").get(0).text()).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            not json                           | 0 | not valid JSON in column 1: Unrecognized token 'not'
            {"prompt": "a"                     | 0 | not valid JSON in column 15: Unexpected end-of-input
            {"prompt": "a"} {"prompt": "b"}    | 0 | not valid JSON in column 17: Trailing token
            {}                                 | 0 | prompt is missing
            {"prompt": null, "id": "x"}        | x | prompt is missing
            {"prompt": 5, "id": "x"}           | x | prompt must be a string, not 5
            {"prompt": ["a"]}                  | 0 | prompt must be a string, not ["a"]
            {"prompt": "\\ud83d."}             | 0 | prompt has half of a surrogate pair, which is not a character
            {"prompt": "a", "id": true}        | 0 | id must be a string or a number, not true
            {"prompt": "a", "id": "\\udc00"}   | 0 | id has half of a surrogate pair, which is not a character
            {"prompt": "a", "messages": [{"role": "user", "content": "a"}]} | 0 | prompt and messages exclude each other, so give one of them
            {"messages": []}                   | 0 | messages must be an array of messages, at least one, not []
            {"messages": "a", "id": "x"}       | x | messages must be an array of messages, at least one, not "a"
            {"messages": ["a"]}                | 0 | messages must be objects with a role and a content, not "a"
            {"messages": [{"content": "a"}]}   | 0 | messages must be objects with a role and a content, not {"content":"a"}
            {"messages": [{"role": "user"}], "chat_template_kwargs": 1} | 0 | chat_template_kwargs must be an object, not 1
            {"messages": [{"role": "user"}], "add_generation_prompt": 1} | 0 | add_generation_prompt must be true or false, not 1
            [1, 2]                             | 0 | a row must be an object with a prompt, not [1,2]
            7                                  | 0 | a row must be an object with a prompt, not 7
            {"prompt": "a", "id": 4, "top_p": 2} | 4 | top_p must be above 0 and at most 1, not 2.0
            {"prompt": "a", "temperature": -1} | 0 | temperature must be 0 (greedy) or more, not -1.0
            {"prompt": "a", "temperature": 1e999} | 0 | temperature must be 0 (greedy) or more, not Infinity
            {"prompt": "a", "temperature": NaN} | 0 | temperature must be 0 (greedy) or more, not NaN
            {"prompt": "a", "top_p": -Infinity} | 0 | top_p must be above 0 and at most 1, not -Infinity
            {"prompt": "a", "max_tokens": NaN} | 0 | max_tokens must be a whole number of 32 bits, not "NaN"
            {"prompt": Infinity}               | 0 | prompt must be a string, not "Infinity"
            {"prompt": "a", "temperature": "hot"} | 0 | temperature must be a number, not "hot"
            {"prompt": "a", "temperature": 0, "greedy": false} | 0 | greedy must not be false where temperature is 0
            {"prompt": "a", "greedy": 1}       | 0 | greedy must be true or false, not 1
            {"prompt": "a", "top_k": 1.5}      | 0 | top_k must be a whole number of 32 bits, not 1.5
            {"prompt": "a", "top_k": 9999999999} | 0 | top_k must be a whole number of 32 bits, not 9999999999
            {"prompt": "a", "seed": 1e3}       | 0 | seed must be a whole number of 64 bits, not 1000.0
            {"prompt": "a", "max_tokens": 0}   | 0 | max_new_tokens must be 1 or more, not 0
            {"prompt": "a", "max_tokens": 1, "max_new_tokens": 1} | 0 | max_new_tokens and max_tokens mean the same, so give one of them
            {"prompt": "a", "eos_token_id": [1, "2"]} | 0 | eos_token_id must be a whole number of 32 bits, not "2"
            {"prompt": "a", "eos_token_id": -1} | 0 | eos_token_id must be 0 or more, not -1
            {"prompt": "a", "stop": ["b", ""]} | 0 | stop must not be an empty string
            {"prompt": "a", "stop": 5}         | 0 | stop must be a string, not 5
            {"prompt": "a", "presence_penalty": 2.5} | 0 | presence_penalty must be from -2 to 2, not 2.5
            {"prompt": "a", "frequency_penalty": "x"} | 0 | frequency_penalty must be a number, not "x"
            {"prompt": "a", "top_logprobs": 2} | 0 | top_logprobs needs logprobs to be true
            {"prompt": "a", "logprobs": 3, "top_logprobs": 2} | 0 | top_logprobs needs logprobs to be true
            {"prompt": "a", "logprobs": true, "top_logprobs": 21} | 0 | top_logprobs must be from 0 to 20, not 21
            {"prompt": "a", "logprobs": "yes"} | 0 | logprobs must be a whole number, true or false, not "yes"
            {"prompt": "a", "logprobs": -1}    | 0 | logprobs must be from 0 to 20, not -1
            {"prompt": "a", "num_samples": 0}  | 0 | num_samples must be from 1 to 10000, not 0
            {"prompt": "a", "num_samples": 10001} | 0 | num_samples must be from 1 to 10000, not 10001
            {"prompt": "a", "n": 2, "num_samples": 2} | 0 | num_samples and n mean the same, so give one of them
            {"prompt": "a", "tools": []}       | 0 | tools is for conversations, and this row has no messages
            {"prompt": "a", "num_beams": 4}    | 0 | num_beams is not supported by this version
            """)
    void readAll_brokenRow_isAnErrorAndTheNextRowIsRead(String row, String id, String error) throws Exception {
        var prompts = read("p.jsonl", row + "\n{\"prompt\": \"good\"}\n");
        assertThat(prompts).hasSize(2).last().isEqualTo(good(1, "1", "good"));
        var prompt = prompts.get(0);
        assertThat(prompt).isEqualTo(broken(0, id, prompt.error()));
        assertThat(prompt.error()).isEqualTo("line 1: " + error);
    }

    /** What goes beyond the parser's limits, as a line and as an item of an array: the others are read. */
    @ParameterizedTest
    @MethodSource("excesses")
    void readAll_beyondTheLimits_isARowsError(String value, String why) throws Exception {
        var good = "{\"prompt\": \"good\", \"score\": NaN, \"x\": " + "[".repeat(900) + "]".repeat(900) + "}";
        var bad = "{\"prompt\": \"a\", " + value + ", \"z\": [{}, 1]}";
        assertThat(read("p.jsonl", good + "\n" + bad + "\n" + good)).containsExactly(good(0, "0", "good"),
                broken(1, "1", "line 2: not JSON that can be read: " + why), good(2, "2", "good"));
        assertThat(read("p.json", "[" + good + "," + bad + "," + good + "]")).containsExactly(good(0, "0", "good"),
                broken(1, "1", "item 2: not JSON that can be read: " + why), good(2, "2", "good"));
    }

    static List<Arguments> excesses() {
        return List.of(
                Arguments.of("\"x\": " + "[".repeat(1000) + "]".repeat(1000), "it is nested more than 1,000 deep"),
                Arguments.of("\"x\": " + "{\"a\":".repeat(100_000) + "1" + "}".repeat(100_000),
                        "it is nested more than 1,000 deep"),
                Arguments.of("\"x\": " + "7".repeat(1001), "it has a number of more than 1,000 digits"),
                Arguments.of("\"x\": 0." + "7".repeat(1_000_000), "it has a number of more than 1,000 digits"),
                Arguments.of("\"" + "n".repeat(50_001) + "\": 1", "it has a name of more than 50,000 characters"));
    }

    @Test
    void readAll_excessCutOff_isTheFilesError() throws Exception {
        assertThatThrownBy(() -> read("p.json", "[\"a\", " + "[".repeat(1001))).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--prompts " + dir.resolve("p.json") + " is not valid JSON in line 1, column ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\0b.jsonl", "half \ud800.jsonl"})
    void open_nameThatNoFileHas_saysSo(String name) {
        assertThatThrownBy(() -> PromptReader.open(name, InputStream.nullInputStream()))
                .isInstanceOf(UsageException.class).hasMessage("--prompts " + Printable.cut(name)
                        + " cannot be the name of a file here: it has a character that is not allowed or that the"
                        + " locale's encoding lacks");
    }

    @Test
    void readAll_brokenRowAfterBlankLines_isNamedByItsLineInTheFile() throws Exception {
        assertThat(read("p.jsonl", "\n\n{\"prompt\":\"a\"}\n\n{}\n")).containsExactly(good(0, "0", "a"),
                broken(1, "1", "line 5: prompt is missing"));
    }

    /** As from /dev/zero. */
    @Test
    void open_sourceWithoutLineBreaks_isRefused() {
        var reader = PromptReader.open("-", new InputStream() {
            @Override
            public int read() {
                return 0;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) {
                return length;
            }
        });
        assertThatThrownBy(reader::hasNext).isInstanceOf(UsageException.class)
                .hasMessage("line 1 of the prompts has more than 67108864 bytes: give one prompt per line");
    }

    @ParameterizedTest
    @ValueSource(strings = {"p.jsonl", "p.txt"})
    void readAll_lineThatIsNotUtf8_isBrokenAloneOfAll(String name) throws Exception {
        var file = dir.resolve(name);
        Files.write(file, new byte[]{'"', 'a', '"', '\n', '"', (byte) 0xe4, '"', '\n', '"', 'b', '"'});
        var prompts = PromptReader.readAll(file.toString(), InputStream.nullInputStream());
        assertThat(prompts).hasSize(3);
        assertThat(prompts.get(0).error()).isNull();
        assertThat(prompts.get(1)).isEqualTo(broken(1, "1", "line 2: not valid UTF-8"));
        assertThat(prompts.get(2).error()).isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"prompt": "a"}  | must hold a JSON array; a file with one object per line is named .jsonl
            ["a", {"prompt"  | is not valid JSON in line 1, column 16: Unexpected end-of-input within/between Object entries
            ["a", "b"        | is not valid JSON in line 1, column 10: Unexpected end-of-input
            ["a", b]         | is not valid JSON in line 1, column 7: Unrecognized token 'b'
            ["a"] ["b"]      | must end with its JSON array
            """)
    void readAll_jsonThatIsNoArray_stopsTheJob(String content, String why) {
        assertThatThrownBy(() -> read("p.json", content)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--prompts " + dir.resolve("p.json") + " " + why);
    }

    @Test
    void readAll_jsonThatIsNotUtf8_stopsTheJob() throws Exception {
        var file = dir.resolve("p.json");
        Files.write(file, new byte[]{'[', '"', (byte) 0xe4, '"', ']'});
        assertThatThrownBy(() -> PromptReader.readAll(file.toString(), InputStream.nullInputStream()))
                .isInstanceOf(UsageException.class).hasMessageContaining("UTF-8").hasMessageNotContaining("\n");
    }

    @Test
    void open_fileThatCannotBeRead_isNamed() throws Exception {
        var csv = Files.createFile(dir.resolve("p.parquet"));
        assertRefused(dir.resolve("none.jsonl"), ": there is no such file");
        assertRefused(dir, " is a directory, not a file");
        assertRefused(csv, " must end in .jsonl, .txt, .json, .csv or .tsv");
    }

    @Test
    void next_pastTheEnd_throws() throws Exception {
        var file = Files.writeString(dir.resolve("p.txt"), "a\n");
        try (var reader = PromptReader.open(file.toString(), InputStream.nullInputStream())) {
            assertThat(reader.next()).isEqualTo(good(0, "0", "a"));
            assertThat(reader.hasNext()).isFalse();
            assertThatThrownBy(reader::next).isInstanceOf(NoSuchElementException.class);
        }
    }

    @Test
    void next_endlessInput_readsNoFurtherThanAsked() {
        @SuppressWarnings("InputStreamSlowMultibyteRead") // the test reads little
        var endless = new InputStream() {
            private int at;

            @Override
            public int read() {
                return "\"a\"\n".charAt(at++ % 4);
            }
        };
        var reader = PromptReader.open("-", endless);
        for (int i = 0; i < 10; i++) {
            assertThat(reader.next()).isEqualTo(good(i, Integer.toString(i), "a"));
        }
    }

    private List<Prompt> read(String name, String content) throws Exception {
        var file = Files.writeString(dir.resolve(name), content);
        return PromptReader.readAll(file.toString(), InputStream.nullInputStream());
    }

    private static void assertRefused(Path file, String why) {
        assertThatThrownBy(() -> PromptReader.open(file.toString(), InputStream.nullInputStream()))
                .isInstanceOf(UsageException.class).hasMessage("--prompts " + file + why);
    }

    private static Prompt good(int index, String id, String text) {
        return new Prompt(index, id, text, SamplingOverrides.NONE, null);
    }

    private static Prompt broken(int index, String id, String error) {
        return new Prompt(index, id, null, SamplingOverrides.NONE, error);
    }
}
