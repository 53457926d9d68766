package dev.lockstep.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.Golden;

import static org.assertj.core.api.Assertions.assertThat;

/** Templates and conversations with what transformers made of them, one folder each. */
class ChatCasesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path CASES = Golden.FOLDER.resolveSibling("cases");

    @TempDir
    private Path directory;

    static List<String> cases() throws IOException {
        try (Stream<Path> folders = Files.list(CASES)) {
            return folders.map(folder -> folder.getFileName().toString()).filter(name -> name.startsWith("chat-"))
                    .sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void render_case_equalsTransformers(String name) throws IOException {
        Path folder = CASES.resolve(name);
        Files.copy(folder.resolve("chat_template.jinja"), directory.resolve("chat_template.jinja"));
        Files.writeString(directory.resolve("tokenizer_config.json"),
                "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
        ChatTemplate template = ChatTemplate.load(directory).orElseThrow();
        List<String> rendered = new ArrayList<>();
        for (String row : Files.readAllLines(folder.resolve("rows.jsonl"))) {
            rendered.add(template.render(JSON.readTree(row)));
        }

        JsonNode expected = JSON.readTree(folder.resolve("expected.json").toFile());
        assertThat(rendered).isNotEmpty().containsExactly(JSON.convertValue(expected, String[].class));
    }
}
