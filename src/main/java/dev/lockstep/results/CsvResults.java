package dev.lockstep.results;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.json.Csv;
import dev.lockstep.json.Json;

/**
 * Results as a table: a column for each field that a result may have, lists as JSON, cells of what a result lacks empty. Requests of
 * OpenAI's batch form have rows like others.
 */
final class CsvResults {
    private static final List<String> COLUMNS = List.of("index", "id", "sample", "prompt", "text", "finish_reason",
            "error", "prompt_tokens", "completion_tokens", "rank", "token_ids", "score_logprob", "score_greedy",
            "embedding", "logprobs", "top_logprobs", "prompt_logprobs");

    private CsvResults() {}

    static void write(Iterator<Result> results, char separator, OutputStream out) throws IOException {
        if (!results.hasNext()) {
            out.write((String.join(String.valueOf(separator), COLUMNS) + "\n").getBytes(StandardCharsets.UTF_8));
            return;
        }
        try (var rows = Csv.writer(COLUMNS, separator).writeValues(out)) {
            while (results.hasNext()) {
                rows.write(row(results.next()));
            }
        }
    }

    private static Map<String, String> row(Result result) throws IOException {
        JsonNode json = Json.MAPPER.valueToTree(result);
        Map<String, String> row = new LinkedHashMap<>();
        for (String column : COLUMNS) {
            JsonNode value = column.startsWith("score_")
                    ? json.path("score").path(column.substring("score_".length()))
                    : json.path(column);
            row.put(column, value.isMissingNode() || value.isNull()
                    ? ""
                    : value.isContainerNode() ? Json.MAPPER.writeValueAsString(value) : value.asText());
        }
        return row;
    }
}
