package dev.lockstep.prompts;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.Runs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

/** Conversations from lines of input to prompts. */
class ChatPromptsTest {
    private static final Path CASE = Golden.FOLDER.resolveSibling("cases/openai-content-parts");
    private static final String PARTS = "[{\"type\": \"text\", \"text\": \"one\"}, {\"type\": \"text\", \"text\": \"two\"}]";
    private static final String IMAGE = "[{\"type\": \"text\", \"text\": \"What?\"}, {\"type\": \"image\"}]";

    @TempDir
    private Path model;

    @Test
    void apply_openAiContentParts_areJoinedAndAnImageIsRefused() throws IOException {
        Files.copy(CASE.resolve("chat_template.jinja"), model.resolve("chat_template.jinja"));
        List<Prompt> rows = rendered(PromptReader.readAll(CASE.resolve("prompts.jsonl").toString(),
                InputStream.nullInputStream()));
        JsonNode expected = Runs.json(Files.readString(CASE.resolve("expected.json")));
        assertThat(rows.get(0).text()).isEqualTo(expected.get(0).asText());
        assertThat(rows.get(1).text()).isNull();
        assertThat(rows.get(1).error()).isEqualTo("messages: part 2 of the content of message 1 is of type image_url, "
                + "and this version reads text only, so leave it out");
    }

    /** The second shows Python's list if it gets one, the third all parts, the fourth but the first. */
    @ParameterizedTest
    @CsvSource(delimiter = '§', quoteCharacter = '`', textBlock = """
            {% for m in messages %}{{ '[' + m.content + ']' }}{% endfor %} § `[one\ntwo]`
            {% for m in messages %}[{{ m.content }}]{% endfor %} § `[one\ntwo]`
            {% for m in messages %}[{% for p in m.content %}{{ p.text }}{% endfor %}]{% endfor %} § [onetwo]
            {% for m in messages %}[{{ m.content if m.content is string else m.content[0].text }}]{% endfor %} § `[one\ntwo]`
            {% for m in messages %}[{{ m.content|tojson }}]{% endfor %} § `["one\\ntwo"]`
            {% if messages[0].role != 'user' %}{{ raise_exception('order') }}{% endif %}[{{ messages[0].content|trim }}] § `[one\ntwo]`
            """)
    void apply_partsInOurForm_areWhatTheTemplateTakes(String template, String prompt) throws IOException {
        Files.writeString(model.resolve("chat_template.jinja"), template);
        assertThat(row("{\"messages\": [{\"role\": \"user\", \"content\": " + PARTS + "}]}").text()).isEqualTo(prompt);
    }

    @Test
    void apply_partsOfSeveralRoles_areTakenAsEachRoleIs() throws IOException {
        Files.writeString(model.resolve("chat_template.jinja"), "{% for m in messages %}<{{ m.role }}>{% if m.role == "
                + "'user' %}{% for p in m.content %}{{ p.text }}{% endfor %}{% else %}{{ m.content + '.' }}{% endif %}"
                + "{% endfor %}");
        Prompt row = row(
                "{\"messages\": [{\"role\": \"system\", \"content\": PARTS}, {\"role\": \"user\", \"content\": "
                        + "PARTS}, {\"role\": \"assistant\", \"content\": PARTS}], \"continue_final_message\": true}");
        assertThat(row.text()).isEqualTo("<system>one\ntwo.<user>onetwo<assistant>one\ntwo");
    }

    @ParameterizedTest
    @CsvSource({"'{% for m in messages %}{{ m.content }}{% endfor %}'",
            "'{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}'"})
    void apply_partThatIsNoText_isTheRowsErrorWhateverTheTemplateTakes(String template) throws IOException {
        Files.writeString(model.resolve("chat_template.jinja"), template);
        String why = ", and this version reads text only, so leave it out";
        assertThat(row("{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": "
                + IMAGE + "}]}").error()).isEqualTo(
                        "messages: part 2 of the content of message 2 is of type image" + why);
        assertThat(row("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"input_audio\"}]}]}").error())
                .isEqualTo("messages: part 1 of the content of message 1 is of type input_audio" + why);
        assertThat(row("{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": 5}]}]}")
                .error()).isEqualTo("messages: part 1 of the content of message 1 is no text" + why);
        assertThat(row("{\"messages\": [{\"role\": \"user\", \"content\": [null]}]}").error())
                .isEqualTo("messages: part 1 of the content of message 1 is no text" + why);
    }

    @Test
    void apply_templateThatCannotBeRead_breaksConversationsAndNothingElse() throws IOException {
        Path file = Files.writeString(model.resolve("chat_template.jinja"),
                "{{ " + "(".repeat(20_000) + ")".repeat(20_000) + " }}");
        ChatPrompts rows = new ChatPrompts(model);
        List<Prompt> all = prompts(
                "{\"prompt\": \"plain\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\n"
                        + "\"also plain\"\n{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}\n").stream()
                                .map(rows)
                                .toList();
        assertThat(all.get(0).text()).isEqualTo("plain");
        assertThat(all.get(2).text()).isEqualTo("also plain");
        assertThat(List.of(all.get(1).error(), all.get(3).error())).containsOnly(
                "messages need the checkpoint's chat template, but " + file + " is not a template that can be read: "
                        + "line 1: brackets, signs or tags stand more than 200 deep within one another.");
    }

    private Prompt row(String line) throws IOException {
        return rendered(prompts(line.replace("PARTS", PARTS))).get(0);
    }

    private static List<Prompt> prompts(String lines) {
        return PromptReader.readAll("-", new ByteArrayInputStream(lines.getBytes(UTF_8)));
    }

    private List<Prompt> rendered(List<Prompt> prompts) {
        return prompts.stream().map(new ChatPrompts(model)).toList();
    }
}
