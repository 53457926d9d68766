package dev.lockstep.results;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.decoder.TokenLogprobs;
import dev.lockstep.generate.Completion.PromptLogprobs;
import dev.lockstep.json.Json;
import dev.lockstep.tokenizer.Tokenizer;

/** The log-probabilities of one completion in the forms in which results have them. */
final class LogprobsJson {
    private final int[] ids;
    private final List<TokenLogprobs> likely;
    private final Tokenizer tokenizer;
    // so many of the tokens come before those of which something is known
    private final int unknown;

    /** @param likely of each of the tokens */
    LogprobsJson(int[] ids, List<TokenLogprobs> likely, Tokenizer tokenizer) {
        this(ids, likely, tokenizer, 0);
    }

    private LogprobsJson(int[] ids, List<TokenLogprobs> likely, Tokenizer tokenizer, int unknown) {
        this.ids = ids;
        this.likely = likely;
        this.tokenizer = tokenizer;
        this.unknown = unknown;
    }

    /** Of a prompt and its completion together. */
    static LogprobsJson echoed(PromptLogprobs prompt, int[] ids, List<TokenLogprobs> likely, Tokenizer tokenizer) {
        return new LogprobsJson(IntStream.concat(Arrays.stream(prompt.ids()), Arrays.stream(ids)).toArray(),
                Stream.concat(prompt.likely().stream(), likely.stream()).toList(), tokenizer, 1);
    }

    /** Our own form: a number for each token. */
    ArrayNode chosen() {
        ArrayNode chosen = Json.MAPPER.createArrayNode();
        likely.forEach(token -> chosen.add(token.chosen()));
        return chosen;
    }

    /** Our own form: for each token the likeliest ones in its place, the likeliest first; null where none were asked for. */
    @Nullable
    ArrayNode top() {
        if (likely.stream().allMatch(token -> token.best().length == 0)) {
            return null;
        }
        ArrayNode all = Json.MAPPER.createArrayNode();
        for (TokenLogprobs token : likely) {
            ArrayNode top = all.addArray();
            for (int i = 0; i < token.best().length; i++) {
                top.addObject().put("id", token.bestIds()[i]).put("token", text(token.bestIds()[i]))
                        .put("logprob", token.best()[i]);
            }
        }
        return all;
    }

    /**
     * Our own form of a prompt: of each token its number, text and log-probability, which of the first is null, and the likeliest
     * ones in its place where they were asked for. The first of the tokens has nothing that is likely.
     */
    static ArrayNode prompt(PromptLogprobs prompt, Tokenizer tokenizer) {
        ArrayNode all = Json.MAPPER.createArrayNode();
        LogprobsJson json = new LogprobsJson(prompt.ids(), prompt.likely(), tokenizer, 1);
        ArrayNode tops = json.top();
        for (int i = 0; i < prompt.ids().length; i++) {
            ObjectNode token = all.addObject().put("id", prompt.ids()[i]).put("token", json.text(prompt.ids()[i]));
            if (i == 0) {
                token.putNull("logprob");
            } else {
                token.put("logprob", prompt.likely().get(i - 1).chosen());
                if (tops != null) {
                    token.set("top_logprobs", tops.get(i - 1));
                }
            }
        }
        return all;
    }

    /** The form of {@code /v1/chat/completions}. */
    ObjectNode chat() {
        ObjectNode logprobs = Json.MAPPER.createObjectNode();
        ArrayNode content = logprobs.putArray("content");
        for (int i = 0; i < ids.length; i++) {
            TokenLogprobs token = likely.get(i);
            ObjectNode entry = entry(ids[i], token.chosen());
            ArrayNode top = entry.putArray("top_logprobs");
            for (int j = 0; j < token.best().length; j++) {
                top.add(entry(token.bestIds()[j], token.best()[j]));
            }
            content.add(entry);
        }
        return logprobs.putNull("refusal");
    }

    private ObjectNode entry(int id, float logprob) {
        ObjectNode entry = Json.MAPPER.createObjectNode().put("token", text(id)).put("logprob", logprob);
        ArrayNode bytes = entry.putArray("bytes");
        for (byte b : tokenizer.bytes(id)) {
            bytes.add(Byte.toUnsignedInt(b));
        }
        return entry;
    }

    /**
     * The form of {@code /v1/completions}, where a token that is not among the likeliest is added to them. Offsets are of
     * characters in the text, where a token begins; special tokens are not in it.
     */
    ObjectNode completions() {
        ObjectNode logprobs = Json.MAPPER.createObjectNode();
        ArrayNode tokens = logprobs.putArray("tokens");
        ArrayNode chosen = logprobs.putArray("token_logprobs");
        ArrayNode tops = logprobs.putArray("top_logprobs");
        ArrayNode offsets = logprobs.putArray("text_offset");
        int offset = 0;
        for (int i = 0; i < ids.length; i++) {
            tokens.add(text(ids[i]));
            offsets.add(offset);
            for (byte b : i < unknown && !tokenizer.isOfBytes(ids[i]) ? new byte[0] : tokenizer.bytes(ids[i])) {
                // bytes that go on with a character begin with 10
                offset += (b & 0xC0) == 0x80 ? 0 : 1;
            }
            if (i < unknown) {
                chosen.addNull();
                tops.addNull();
                continue;
            }
            TokenLogprobs token = likely.get(i - unknown);
            chosen.add(token.chosen());
            ObjectNode top = tops.addObject();
            for (int j = 0; j < token.best().length; j++) {
                // two tokens may have the same text; the likelier one's number stays
                top.putIfAbsent(text(token.bestIds()[j]), top.numberNode(token.best()[j]));
            }
            top.putIfAbsent(text(ids[i]), top.numberNode(token.chosen()));
        }
        return logprobs;
    }

    private String text(int id) {
        return new String(tokenizer.bytes(id), StandardCharsets.UTF_8);
    }
}
