package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.ChatTemplate;

/** Conversations as prompts by a checkpoint's chat template, which is read when the first of them comes. */
final class ChatPrompt {
    private final Path model;
    private @Nullable ChatTemplate template;

    /** @param model the checkpoint's directory */
    ChatPrompt(Path model) {
        this.model = model;
    }

    /**
     * The text that the model's answer follows, with the template's special tokens.
     *
     * @throws ModelException           when the checkpoint has no chat template or one that cannot be read
     * @throws IllegalArgumentException when the template refuses the conversation
     */
    String of(List<Message> conversation) {
        if (conversation.isEmpty()) {
            throw new IllegalArgumentException("a conversation must have a message");
        }
        ObjectNode variables = JsonNodeFactory.instance.objectNode().put("add_generation_prompt", true);
        ArrayNode messages = variables.putArray("messages");
        for (Message message : conversation) {
            messages.addObject().put("role", message.role()).put("content", message.content());
        }
        return template().render(variables);
    }

    private ChatTemplate template() {
        if (template == null) {
            template = ChatTemplate.load(model).orElseThrow(() -> new ModelException(
                    "a conversation needs a chat template, and " + model
                            + " has none: call complete() with the whole text instead"));
        }
        return template;
    }
}
