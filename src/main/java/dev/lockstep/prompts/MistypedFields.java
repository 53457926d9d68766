package dev.lockstep.prompts;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

/** Counts names of fields that are nobody's, but so near to a known one that they may be mistyped. */
final class MistypedFields {
    /** So many names are told apart; nobody reads more. */
    private static final int MOST = 5;

    private record Near(String meant, long rows) {}

    // by the name that was written; one that is near to none has null
    private final Map<String, Near> names = new LinkedHashMap<>();

    void count(JsonNode row) {
        row.fieldNames().forEachRemaining(name -> {
            var near = names.get(name);
            if (near != null) {
                names.put(name, new Near(near.meant, near.rows + 1));
            } else if (names.size() < MOST) {
                var meant = PromptFields.meant(name);
                if (meant != null) {
                    names.put(name, new Near(meant, 1));
                }
            }
        });
    }

    /** One sentence about all of them. */
    Optional<String> sentence() {
        if (names.isEmpty()) {
            return Optional.empty();
        }
        var parts = names.entrySet().stream().map(entry -> entry.getKey() + " (" + entry.getValue().rows
                + (entry.getValue().rows == 1 ? " row" : " rows") + "; was " + entry.getValue().meant + " meant?)")
                .toList();
        return Optional.of("fields without effect, taken for data: " + String.join(", ", parts));
    }
}
