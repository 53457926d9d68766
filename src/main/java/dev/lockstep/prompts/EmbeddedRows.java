package dev.lockstep.prompts;

import java.util.function.Function;

import dev.lockstep.prompts.OpenAiRequest.Endpoint;

/** What {@code embed} makes of rows: of each the prompt alone, whatever may be written after it. */
public final class EmbeddedRows implements Function<Prompt, Prompt> {
    /** The row without texts to be scored; or broken, where it asks for several of what there is but one. */
    @Override
    public Prompt apply(Prompt prompt) {
        if (prompt.error() != null) {
            return prompt;
        }
        OpenAiRequest openAi = prompt.openAi();
        if (openAi != null) {
            return openAi.endpoint() == Endpoint.EMBEDDINGS
                    ? prompt
                    : prompt.broken("embed answers requests to " + Endpoint.EMBEDDINGS.url() + ", not to "
                            + openAi.endpoint().url());
        }
        return prompt.samples() == null || prompt.samples() == 1
                ? prompt.withScored(null, prompt.samples())
                : prompt.broken("num_samples is of texts, and each prompt has one embedding: leave it out");
    }
}
