package dev.lockstep.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.model.ModelException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ChatTemplateTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2025-07-26T13:05:09Z"), ZoneOffset.UTC);

    private static final JsonNode JINJA2 = Golden.json("jinja_cases.json");

    @TempDir
    private Path directory;

    static Stream<JsonNode> renderedByTransformers() {
        return StreamSupport.stream(Golden.json("tokenizer_cases.json").get("chat").spliterator(), false);
    }

    static Stream<JsonNode> renderedByJinja2() {
        return StreamSupport.stream(JINJA2.get("cases").spliterator(), false);
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("renderedByTransformers")
    void render_templatesOfLlama3AndChatml_equalTransformers(JsonNode golden) throws IOException {
        Files.copy(Golden.FOLDER.resolve("tokenizer_config.json"), directory.resolve("tokenizer_config.json"));
        Files.writeString(directory.resolve("chat_template.jinja"), golden.get("template").asText());
        ObjectNode variables = JSON.createObjectNode().set("messages", golden.get("messages"));
        variables.set("add_generation_prompt", golden.get("add_generation_prompt"));

        assertThat(template().render(variables)).isEqualTo(golden.get("rendered").asText());
    }

    @ParameterizedTest(name = "{index}")
    @MethodSource("renderedByJinja2")
    void render_whatTemplatesUse_equalsJinja2(JsonNode golden) throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), golden.get("template").asText());
        JsonNode values = golden.has("values") ? golden.get("values") : JINJA2.get("values");
        if (golden.has("rendered")) {
            assertThat(template().render(values)).isEqualTo(golden.get("rendered").asText());
        } else {
            assertThatThrownBy(() -> template().render(values))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the chat template says: " + golden.get("error").asText());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            {% if a %}{{ unclosed }    § line 1: unexpected '}'
            {{ 'a }}                   § line 1: unexpected character '''
            {% for x in y %}           § line 1: expected 'endfor', not the end of the template
            {% if true %}a{% endfor %} § line 1: the tag 'endfor' is unknown or out of place
            {% include 'x' %}          § line 1: the tag 'include' is unknown or out of place
            {% break %}                § line 1: break outside of a loop
            {{ 1|nofilter }}           § line 1: No filter named 'nofilter'
            {{ x is nosuchtest }}      § line 1: No test named 'nosuchtest'
            {{ }}                      § line 1: expected an expression, not the end of the tag
            {{ a b }}                  § line 1: expected '}}', not 'b'
            {# c                       § line 1: a comment does not end
            {{ f(a=1, 2) }}            § line 1: a positional argument follows a named one
            """)
    void load_noTemplate_saysWhereAndWhy(String source, String why) throws IOException {
        Path file = Files.writeString(directory.resolve("chat_template.jinja"), source);

        assertThatThrownBy(this::template).isInstanceOf(ModelException.class)
                .hasMessage(file + " is not a template that can be read: " + why + ".");
    }

    @Test
    void load_nothingThere_isEmpty() throws IOException {
        assertThat(ChatTemplate.load(directory)).isEmpty();
        Files.copy(Golden.FOLDER.resolve("tokenizer_config.json"), directory.resolve("tokenizer_config.json"));
        assertThat(ChatTemplate.load(directory)).isEmpty();
    }

    @Test
    void load_namedTemplates_takesTheOneForToolsWhereThereAreTools() throws IOException {
        config("""
                {"chat_template": [{"name": "default", "template": "plain"},
                                   {"name": "tool_use", "template": "{{ tools|length }} tools"}]}""");
        assertThat(render("{\"messages\": []}")).isEqualTo("plain");
        assertThat(render("{\"messages\": [], \"tools\": [{}]}")).isEqualTo("1 tools");
        config("{\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"}]}");
        assertThatThrownBy(() -> render("{}")).hasMessage(
                "none of the checkpoint's chat templates is called default; there are rag");
        config("{\"chat_template\": 5}");
        assertThatThrownBy(this::template).hasMessageContaining("chat_template must be a string, not 5");
    }

    @Test
    void load_templateFiles_beatTheConfiguration() throws IOException {
        config("{\"chat_template\": \"config\"}");
        assertThat(render("{}")).isEqualTo("config");
        Files.writeString(directory.resolve("chat_template.jinja"), "file");
        Files.createDirectory(directory.resolve("additional_chat_templates"));
        Files.writeString(directory.resolve("additional_chat_templates/tool_use.jinja"), "with tools");
        assertThat(render("{}")).isEqualTo("file");
        assertThat(render("{\"tools\": []}")).isEqualTo("with tools");
    }

    @Test
    void render_specialTokens_comeFromConfigurationThenMap() throws IOException {
        config("{\"chat_template\": \"{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token is defined }}\","
                + "\"bos_token\": {\"content\": \"<b>\", \"lstrip\": false}, \"eos_token\": \"<e>\", \"pad_token\": null}");
        Files.writeString(directory.resolve("special_tokens_map.json"),
                "{\"bos_token\": \"<x>\", \"pad_token\": \"<p>\"}");

        assertThat(render("{}")).isEqualTo("<b><e><p>False");
    }

    @Test
    void render_continueFinalMessage_endsWithinIt() throws IOException {
        config("{\"chat_template\": \"{% for m in messages %}[{{ m.content|trim }}]{% endfor %}\"}");
        String messages = "\"messages\": [{\"content\": \"Hi\"}, {\"content\": \" Hi \"}]";

        assertThat(render("{" + messages + ", \"continue_final_message\": true}")).isEqualTo("[Hi][Hi");
        assertThatThrownBy(() -> render("{" + messages + ", \"continue_final_message\": true, "
                + "\"add_generation_prompt\": true}")).hasMessageContaining("exclude each other");
        config("{\"chat_template\": \"nothing of it\"}");
        assertThatThrownBy(() -> render("{" + messages + ", \"continue_final_message\": true}"))
                .hasMessageContaining("does not repeat the last message");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            []                                              § there is no message to go on with
            [{"role": "assistant", "content": null}]        § the last message has no text to go on with
            [{"role": "assistant", "content": []}]          § the last message has no text to go on with
            [{"role": "assistant", "content": [{"a": 1}]}]  § the last message has no text to go on with
            [{"role": "assistant", "content": "a b"}]       § the chat template does not repeat the last message as it is
            """)
    void render_continueFinalMessageThatCannotBe_isRefused(String messages, String why) throws IOException {
        config("{\"chat_template\": \"{% for m in messages %}{{ m.content[0].b }}{{ m.content|replace(' ', '') }}"
                + "{% endfor %}\"}");
        assertThatThrownBy(() -> render("{\"continue_final_message\": true, \"messages\": " + messages + "}"))
                .isInstanceOf(IllegalArgumentException.class).hasMessage("continue_final_message: " + why);
    }

    @Test
    void render_continueFinalMessageSaidTwice_endsWithTheSecondAndHoldsNoMark() throws IOException {
        config("{\"chat_template\": \"[{{ messages[-1].content }}]({{ messages[-1].content|trim }}){{ "
                + "messages[-1].content }}!\"}");
        assertThat(render("{\"continue_final_message\": true, \"messages\": [{\"content\": \"Hi \"}]}"))
                .isEqualTo("[Hi ](Hi )Hi ");
    }

    @Test
    void load_faultInATemplateForTools_concernsOnlyRowsWithTools() throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), "plain");
        Files.createDirectory(directory.resolve("additional_chat_templates"));
        Path tools = Files.writeString(directory.resolve("additional_chat_templates/tool_use.jinja"), "{{ 1 + }}");
        assertThat(render("{}")).isEqualTo("plain");
        assertThatThrownBy(() -> render("{\"tools\": []}")).isInstanceOf(IllegalArgumentException.class).hasMessage(
                tools + " is not a template that can be read: line 1: expected an expression, not the end "
                        + "of the tag.");
    }

    @Test
    void render_endlessMacro_isRefused() throws IOException {
        config("{\"chat_template\": \"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}\"}");
        assertThatThrownBy(() -> render("{}")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the chat template says: the template calls itself without an end");
    }

    private void config(String json) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), json);
    }

    private String render(String variables) throws IOException {
        return template().render(JSON.readTree(variables));
    }

    private ChatTemplate template() {
        return ChatTemplate.load(directory, CLOCK).orElseThrow();
    }
}
