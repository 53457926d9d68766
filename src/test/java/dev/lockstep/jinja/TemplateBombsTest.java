package dev.lockstep.jinja;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.ChatTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

/** Templates that would go on for ever or fill the memory, and long conversations that do not. */
class TemplateBombsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final long MOST_BYTES = 1L << 30;

    @TempDir
    private Path directory;

    static Stream<JsonNode> bombs() {
        return StreamSupport.stream(Golden.json("jinja_bombs.json").get("bombs").spliterator(), false);
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("bombs")
    void render_bomb_isRefusedInOneSentenceBeforeItGrows(JsonNode bomb) throws IOException {
        StringBuilder source = new StringBuilder();
        bomb.forEach(part -> source.append(part.isTextual()
                ? part.asText()
                : part.get(0).asText().repeat(part.get(1).asInt())));
        Files.writeString(directory.resolve("chat_template.jinja"), source);
        JsonNode row = JSON.readTree("{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}");
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

        assertTimeoutPreemptively(LONGEST, () -> {
            long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
            assertThatThrownBy(() -> ChatTemplate.load(directory).orElseThrow().render(row))
                    .isInstanceOfAny(IllegalArgumentException.class, ModelException.class)
                    .hasMessageNotContainingAny("\n", "java.", "..");
            assertThat(threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before)
                    .isLessThan(MOST_BYTES);
        });
    }

    /** A template that looks at all later messages for each one, as that of gpt-oss does for calls of tools. */
    @Test
    void render_thousandsOfMessagesAndAMegabyte_isNoBomb() throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), String.join("\n",
                "{%- for m in messages -%}",
                "{%- if m.role == 'assistant' -%}",
                "{%- set found = namespace(later=false) -%}",
                "{%- for later in messages[loop.index:] -%}",
                "{%- if later.role == 'assistant' and 'tool_calls' not in later %}{% set found.later = true %}",
                "{%- endif %}{% endfor %}{% endif -%}",
                "{{- '<' + m.role + '>' + m.content.split('</think>')[-1].strip() | trim -}}",
                "{%- endfor -%}"));
        ArrayNode messages = JSON.createArrayNode();
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            String role = i % 2 == 0 ? "user" : "assistant";
            String content = ("message " + i + " ").repeat(45).strip();
            messages.addObject().put("role", role).put("content", content);
            expected.append('<').append(role).append('>').append(content);
        }
        ObjectNode row = JSON.createObjectNode().set("messages", messages);

        assertThat(expected.length()).isGreaterThan(1_000_000);
        assertThat(ChatTemplate.load(directory).orElseThrow().render(row)).isEqualTo(expected.toString());
    }
}
