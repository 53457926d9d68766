package dev.lockstep.prompts;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.prompts.OpenAiRequest.Endpoint;

/**
 * What {@code --score} makes of rows: of the texts in {@code choices}, or the one in {@code completion}, each becomes a
 * sample. Without it these fields are their author's, as many data sets have them.
 */
public final class ScoredRows implements Function<Prompt, Prompt> {
    private final boolean wanted;

    /** @param wanted whether rows are to be scored */
    public ScoredRows(boolean wanted) {
        this.wanted = wanted;
    }

    /** The row with its texts and as many samples; or without them; or broken, where it has none and they are wanted. */
    @Override
    public Prompt apply(Prompt prompt) {
        if (prompt.error() == null && prompt.openAi() != null
                && prompt.openAi().endpoint() == Endpoint.EMBEDDINGS) {
            return prompt
                    .broken("a request to " + Endpoint.EMBEDDINGS.url() + " is for the job embed: mpjrun.sh embed");
        }
        List<String> texts = prompt.scored();
        if (prompt.error() != null || !wanted) {
            return texts == null ? prompt : prompt.withScored(null, prompt.samples());
        }
        if (texts == null) {
            return prompt.broken("--score needs a text in \"completion\" or texts in \"choices\", and not both");
        }
        if (prompt.samples() != null && prompt.samples() != 1) {
            return prompt.broken("num_samples and --score exclude each other: each text is scored once");
        }
        if (texts.size() > Prompt.MOST_SAMPLES) {
            return prompt.broken("choices are " + texts.size() + " texts, and at most " + Prompt.MOST_SAMPLES
                    + " of a row are scored");
        }
        return prompt.withScored(texts, texts.size());
    }

    /** The texts that a row has for it, or null where it has something else there, or nothing. */
    static @Nullable List<String> texts(JsonNode row) {
        JsonNode choices = row.path("choices");
        JsonNode completion = row.path("completion");
        if (completion.isTextual()) {
            return row.hasNonNull("choices") ? null : List.of(completion.textValue());
        }
        if (!choices.isArray() || choices.isEmpty()) {
            return null;
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode choice : choices) {
            if (!choice.isTextual()) {
                return null;
            }
            texts.add(choice.textValue());
        }
        return texts;
    }
}
