package dev.lockstep.prompts;

import java.nio.file.Path;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.json.JsonFields;
import dev.lockstep.model.ModelException;
import dev.lockstep.tokenizer.ChatTemplate;

/**
 * Turns conversations into prompts with the checkpoint's chat template, which is read when the first of them comes. To be
 * used by one rank for all, so that a template that looks at the clock gives every row the same day.
 */
public final class ChatPrompts implements Function<Prompt, Prompt> {
    private final Path model;
    private boolean read;
    private @Nullable ChatTemplate template;
    /** Why there is no template; other rows have no need of it, so this ends none but conversations. */
    private String missing = "messages need a chat template, and this checkpoint has none, so give the text as "
            + "\"prompt\"";

    /**
     * @param model the checkpoint's directory
     */
    public ChatPrompts(Path model) {
        this.model = model;
    }

    /**
     * A conversation as a text, or as a broken row where the template refuses it or cannot be read; any other row as it
     * is.
     */
    @Override
    public Prompt apply(Prompt prompt) {
        if (prompt.chat() == null) {
            return prompt;
        }
        if (!read) {
            template = load();
            read = true;
        }
        if (template == null) {
            return prompt.broken(missing);
        }
        try {
            var text = template.renderTexts(prompt.chat());
            JsonFields.requireUnicode("messages", text);
            return prompt.rendered(text);
        } catch (IllegalArgumentException e) {
            return prompt.broken(String.valueOf(e.getMessage()));
        }
    }

    private @Nullable ChatTemplate load() {
        try {
            return ChatTemplate.load(model).orElse(null);
        } catch (ModelException e) {
            missing = "messages need the checkpoint's chat template, but " + e.getMessage();
            return null;
        }
    }
}
