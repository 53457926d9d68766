package dev.lockstep.results;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;

import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.generate.FinishReason;
import dev.lockstep.host.Sha256;
import dev.lockstep.json.Json;
import dev.lockstep.prompts.OpenAiRequest;
import dev.lockstep.prompts.OpenAiRequest.Endpoint;

/**
 * A line of OpenAI's batch output, one for each request. Its ids are made of the request's place and name and its
 * {@code created} is 0, so that the same job writes the same bytes whenever it runs.
 */
public final class OpenAiAnswer {
    private OpenAiAnswer() {}

    /**
     * @param samples all results of the row, in order
     */
    public static ObjectNode of(OpenAiRequest request, List<Result> samples) {
        var key = key(samples.get(0));
        ObjectNode line = Json.MAPPER.createObjectNode();
        line.put("id", "batch_req_" + key).put("custom_id", samples.get(0).id());
        var failed = samples.stream().filter(result -> result.error() != null).findFirst();
        var response = line.putObject("response").put("status_code", failed.isPresent() ? 400 : 200).put("request_id",
                "req_" + key);
        if (failed.isPresent()) {
            response.putObject("body").putObject("error").put("message", failed.get().error())
                    .put("type", "invalid_request_error").putNull("param").putNull("code");
        } else {
            response.set("body", request.endpoint() == Endpoint.EMBEDDINGS
                    ? embeddings(request, samples)
                    : body(request, key, samples));
        }
        return line.putNull("error");
    }

    private static ObjectNode body(OpenAiRequest request, String key, List<Result> samples) {
        boolean chat = request.endpoint() == Endpoint.CHAT;
        ObjectNode body = Json.MAPPER.createObjectNode();
        body.put("id", (chat ? "chatcmpl-" : "cmpl-") + key);
        body.put("object", chat ? "chat.completion" : "text_completion");
        body.put("created", 0).put("model", request.model());
        var choices = body.putArray("choices");
        for (var result : samples) {
            var choice = choices.addObject().put("index", result.sample());
            if (chat) {
                choice.putObject("message").put("role", "assistant").put("content", result.text()).putNull("refusal");
            } else {
                choice.put("text", (request.echo() ? result.prompt() : "") + result.text());
            }
            choice.set("logprobs", result.logprobs() == null ? choice.nullNode() : result.logprobs());
            choice.put("finish_reason",
                    result.finishReason() == FinishReason.LENGTH ? "length" : "stop");
        }
        int prompt = samples.get(0).promptTokens();
        int completion = samples.stream().mapToInt(Result::completionTokens).sum();
        body.putObject("usage").put("prompt_tokens", prompt).put("completion_tokens", completion).put("total_tokens",
                prompt + completion);
        return body;
    }

    private static ObjectNode embeddings(OpenAiRequest request, List<Result> samples) {
        ObjectNode body = Json.MAPPER.createObjectNode().put("object", "list");
        var data = body.putArray("data");
        for (var result : samples) {
            var vector = data.addObject().put("object", "embedding").put("index", result.sample())
                    .putArray("embedding");
            for (float each : Objects.requireNonNull(result.embedding())) {
                vector.add(each);
            }
        }
        int tokens = samples.stream().mapToInt(Result::promptTokens).sum();
        body.put("model", request.model()).putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
        return body;
    }

    private static String key(Result result) {
        byte[] digest = Sha256.of((result.index() + " " + result.id()).getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest, 0, 16);
    }
}
