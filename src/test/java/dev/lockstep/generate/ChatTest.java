package dev.lockstep.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.host.Share;
import dev.lockstep.model.ModelException;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Conversations, against what transformers makes of them. */
class ChatTest {
    private static final JsonNode CHATS = Golden.json("tokenizer_cases.json").get("chat");
    private static final SamplingParams SAMPLED = SamplingParams.builder(20).temperature(0.8).seed(3).ignoreEos(true)
            .build();
    private static final SamplingParams GREEDY = SamplingParams.greedy(20, List.of());

    @TempDir
    private Path temp;
    private Path model;

    @BeforeEach
    void copyModel() {
        model = Golden.copyWithTokenizer("qwen3", temp);
    }

    private Generator generator() {
        return Generator.load(Checkpoint.open(model), Device.CPU);
    }

    private void template(String source) throws IOException {
        Files.copy(Golden.FOLDER.resolve("tokenizer_config.json"), model.resolve("tokenizer_config.json"));
        Files.writeString(model.resolve("chat_template.jinja"), source);
    }

    /** Those that ask for the assistant's turn, as chat does. */
    private static List<JsonNode> cases(String template) {
        List<JsonNode> cases = new ArrayList<>();
        CHATS.forEach(golden -> {
            if (golden.get("template_name").asText().equals(template)
                    && golden.get("add_generation_prompt").asBoolean()) {
                cases.add(golden);
            }
        });
        assertThat(cases).hasSize(2);
        return cases;
    }

    private static List<Message> conversation(JsonNode golden) {
        List<Message> messages = new ArrayList<>();
        golden.get("messages").forEach(
                message -> messages.add(new Message(message.get("role").asText(), message.get("content").asText())));
        return messages;
    }

    @Test
    void chat_goldenConversations_continueWhatTransformersRenders() throws IOException {
        for (String name : List.of("llama3", "chatml")) {
            List<JsonNode> cases = cases(name);
            copyAgain(name);
            template(cases.get(0).get("template").asText());
            try (Generator generator = generator()) {
                List<Completion> together = generator.chat(cases.stream().map(ChatTest::conversation).toList(), GREEDY,
                        2);
                for (int i = 0; i < cases.size(); i++) {
                    // the rendered text has its begin token, where there is one: a second would change the answer
                    int[] ids = generator.tokenizer().encode(cases.get(i).get("rendered").asText(), false);
                    Completion expected = generator.generate(List.of(new Request(i, 0, ids, GREEDY)), 1).get(0);
                    assertThat(together.get(i).tokenIds()).as("%s %d", name, i).isEqualTo(expected.tokenIds());
                    assertThat(together.get(i).promptTokens()).isEqualTo(ids.length);
                    assertThat(generator.chat(conversation(cases.get(i)), GREEDY).tokenIds())
                            .isEqualTo(expected.tokenIds());
                }
            }
        }
    }

    private void copyAgain(String name) throws IOException {
        model = Golden.copyWithTokenizer("qwen3", Files.createDirectory(temp.resolve(name)));
    }

    @Test
    void chat_sampledShares_haveTheAnswersOfTheWholeList() throws IOException {
        template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
        List<List<Message>> same = List.of(user("Hi"), user("Hi"), user("Hi"));
        try (Generator generator = generator()) {
            List<String> whole = texts(generator.chat(same, SAMPLED, 2));
            assertThat(whole).doesNotHaveDuplicates();
            assertThat(texts(generator.chat(Share.of(same, 1, 3), SAMPLED, 2))).isEqualTo(whole.subList(1, 3));
            assertThat(texts(generator.chat(same.subList(0, 1), SAMPLED, 2, 2))).isEqualTo(whole.subList(2, 3));
        }
    }

    @Test
    void chat_withoutATemplate_saysSoAndCompleteStillWorks() {
        try (Generator generator = generator()) {
            assertThatThrownBy(() -> generator.chat(user("Hi"), GREEDY)).isInstanceOf(ModelException.class).hasMessage(
                    "a conversation needs a chat template, and " + model
                            + " has none: call complete() with the whole text instead");
            assertThat(generator.complete(List.of("Hi"), GREEDY, 1).get(0).error()).isNull();
        }
    }

    @Test
    void chat_conversationThatIsRefused_isNamed() throws IOException {
        template("{% if messages[0].role != 'user' %}{{ raise_exception('users begin') }}{% endif %}Hi");
        List<List<Message>> conversations = List.of(user("Hi"), List.of(new Message("system", "Hi")));
        try (Generator generator = generator()) {
            assertThatThrownBy(() -> generator.chat(conversations, GREEDY, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("conversation 1: the chat template says: users begin");
            assertThatThrownBy(() -> generator.chat(List.of(), GREEDY)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("conversation 0: a conversation must have a message");
            assertThat(generator.chat(List.<List<Message>>of(), GREEDY, 2)).isEmpty();
        }
    }

    private static List<Message> user(String text) {
        return List.of(new Message("user", text));
    }

    private static List<String> texts(List<Completion> completions) {
        return completions.stream().map(Completion::text).toList();
    }
}
