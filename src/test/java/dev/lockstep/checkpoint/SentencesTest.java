package dev.lockstep.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.ChatTemplate;
import dev.lockstep.tokenizer.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** How sentences about files look, whoever made the reason in them: the JSON parser, the tokenizers library, a template. */
class SentencesTest {
    /** One line that ends in one full stop, or in the dots of what is left out and one, and names nothing of Java's. */
    static final String ONE_SENTENCE = "(?!.*(Exception|\\.java:|Feature|fasterxml|read: null|(?<!\\.)\\.\\.(?![./])))"
            + "\\P{Cntrl}*([^.]|\\.\\.\\.)\\.";

    @TempDir
    private Path directory;

    /** Broken files of every kind, by name. */
    static List<Arguments> files() {
        return List.of(arguments("tokenizer.json", "{\"model\":"), arguments("tokenizer.json", "{}"),
                arguments("tokenizer.json", "{\"version\":\"1.0\",\"model\":{\"type\":\"BPE\",\"vocab\":5}}"),
                arguments("tokenizer.json", "{\"version\":\"1.0\",\"added_tokens\":[{}],\"model\":{}}"),
                arguments("tokenizer.json", "\u0000\u0000"), arguments("tokenizer.json", "[".repeat(5000)),
                arguments("tokenizer_config.json", "{\"chat_template\":5}"),
                arguments("tokenizer_config.json", "{\"chat_template\":\"{% for %}\"}"),
                arguments("tokenizer_config.json", "{\"chat_template\":\"{{ 1|\\u001b[31m }}\"}"),
                arguments("tokenizer_config.json", "{} {}"), arguments("tokenizer_config.json", "{,}"),
                arguments("chat_template.jinja", "{{ 1|nofilter }}"),
                arguments("chat_template.jinja", "{{ x is nosuchtest }}"),
                arguments("chat_template.jinja", "{% " + "y".repeat(5000) + " %}"),
                arguments("config.json", "{\"model_type\":\"llama\"} {}"), arguments("config.json", "tru"),
                arguments("config.json", "{\"model_type\":\"llama\",\"torch_dtype\":\"int8\"}"),
                arguments("generation_config.json", "{\"eos_token_id\":[[1]]}"));
    }

    @ParameterizedTest
    @MethodSource("files")
    void message_ofABrokenFile_isOneSentence(String name, String content) throws IOException {
        Golden.copyWithTokenizer("llama-gqa", directory.resolve("x"));
        Path copy = directory.resolve("x/llama-gqa");
        Files.writeString(copy.resolve(name), content);
        assertThatThrownBy(() -> {
            Checkpoint.open(copy);
            Tokenizer.load(copy).close();
            ChatTemplate.load(copy);
        }).isInstanceOf(ModelException.class).hasMessageStartingWith(copy.resolve(name).toString())
                .hasMessageMatching(ONE_SENTENCE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "a file is bad: no such filter..|a file is bad: no such filter.",
            "why: is it!.|why: is it.", "it goes on....|it goes on....", "plain.|plain.", "no end|no end"})
    void message_madeOfAnother_endsOnce(String given, String said) {
        assertThat(new ModelException(given)).hasMessage(said);
    }

    @Test
    void message_withWhatDoesNotPrint_hasItEscaped() {
        assertThat(new ModelException("a\u001b[31m\u202eb\ud800c\u0085\n  d\u00e9\ud83d\ude00."))
                .hasMessage("a\\u001b[31m\\u202eb\\ud800c\\u0085 d\u00e9\ud83d\ude00.".replace("\\u0085 ", " "));
        assertThat(new ModelException("x".repeat(1 << 20) + ": what to do.").getMessage()).hasSizeLessThan(2000)
                .endsWith(": what to do.");
    }
}
