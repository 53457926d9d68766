package dev.lockstep.prompts;

import java.util.List;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * One row of the prompts.
 *
 * @param index     its place among the rows, from 0
 * @param id        its name: the row's own, or the index
 * @param text      what to continue; null when the row is broken, or a conversation that is not yet rendered
 * @param overrides what the row says about sampling
 * @param error     one sentence that says why the row is broken and names its line; null when it is good
 * @param chat      what the chat template gets, {@code messages} among it; null where there is a text
 * @param rendered  whether the text is a chat template's, which has put in the special tokens itself
 * @param samples   completions of this row; null where it does not say
 * @param openAi    how to answer a row that was a request of OpenAI's batch form, else null
 * @param scored    texts that may follow, of which each is scored instead of one being generated; null where none are
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Prompt(int index, String id, @Nullable String text, SamplingOverrides overrides, @Nullable String error,
        @Nullable JsonNode chat,
        boolean rendered, @Nullable Integer samples, @Nullable OpenAiRequest openAi,
        @Nullable List<String> scored) {
    /** Samples of one prompt: far beyond what anybody compares, and one OpenAI answer with all of them fits in memory. */
    public static final int MOST_SAMPLES = 10_000;

    /** A text of the common kind. */
    public Prompt(int index, String id, @Nullable String text, SamplingOverrides overrides, @Nullable String error) {
        this(index, id, text, overrides, error, null, false, null, null, null);
    }

    public static Prompt ofText(int index, String id, @Nullable String text, SamplingOverrides overrides,
            @Nullable Integer samples,
            @Nullable OpenAiRequest openAi) {
        return new Prompt(index, id, text, overrides, null, null, false, samples, openAi, null);
    }

    /** @param chat what the chat template gets */
    static Prompt ofChat(int index, String id, JsonNode chat, SamplingOverrides overrides, @Nullable Integer samples,
            @Nullable OpenAiRequest openAi) {
        return new Prompt(index, id, null, overrides, null, chat, false, samples, openAi, null);
    }

    public static Prompt broken(int index, String id, String error) {
        return broken(index, id, error, null);
    }

    static Prompt broken(int index, String id, String error, @Nullable OpenAiRequest openAi) {
        return new Prompt(index, id, null, SamplingOverrides.NONE, error, null, false, null, openAi, null);
    }

    /** The same row with its conversation as a text. */
    Prompt rendered(String text) {
        return new Prompt(index, id, text, overrides, error, null, true, samples, openAi, scored);
    }

    /** The same row, which cannot be used for this reason. */
    public Prompt broken(String why) {
        return new Prompt(index, id, null, overrides, why, null, false, samples, openAi, scored);
    }

    /** The same row, which is not done for this reason; its text is kept. */
    public Prompt setAside(String why) {
        return new Prompt(index, id, text, overrides, why, null, rendered, samples, openAi, scored);
    }

    /** The same row with texts to be scored, a sample each; or null for none. */
    Prompt withScored(@Nullable List<String> texts, @Nullable Integer count) {
        return new Prompt(index, id, text, overrides, error, chat, rendered, count, openAi, texts);
    }

    /** What to continue; of a row that is broken nothing. */
    public String textOrEmpty() {
        return text == null ? "" : text;
    }

    /** Completions of this row, where the job makes so many of others. */
    public int samplesOr(int others) {
        return samples == null ? others : samples;
    }
}
