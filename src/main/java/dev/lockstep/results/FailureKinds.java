package dev.lockstep.results;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Failed rows by kind. Errors that differ in numbers and quoted text alone are of one kind. */
public final class FailureKinds {
    private static final int KINDS_SHOWN = 5;
    /** Kinds come from the code and not from the data; a bound keeps a mistake about that from filling the memory. */
    private static final int KINDS_KEPT = 1000;

    /**
     * Rows that failed in the same way.
     *
     * @param first the error of the first of them
     */
    public record Kind(String first, int count) {}

    private final Map<String, Kind> kinds = new LinkedHashMap<>();
    private int count;

    public void add(String error) {
        count++;
        String kind = error.replaceAll("\"[^\"]*\"", "\"\"").replaceAll("'[^']*'", "''")
                .replaceAll("-?\\d+(\\.\\d+)?", "0");
        if (kinds.containsKey(kind) || kinds.size() < KINDS_KEPT) {
            kinds.merge(kind, new Kind(error, 1), (old, one) -> new Kind(old.first, old.count + 1));
        }
    }

    /** How many rows. */
    public int count() {
        return count;
    }

    /** The kinds that came up most often, the largest first. */
    public List<Kind> largest() {
        return kinds.values().stream().sorted((a, b) -> b.count - a.count).limit(KINDS_SHOWN).toList();
    }

    /** How many rows are of none of the {@link #largest}. */
    public int ofOtherKinds() {
        return count - largest().stream().mapToInt(Kind::count).sum();
    }

    /**
     * One sentence that counts failed rows by kind, each kind shown by its first row; empty where none failed.
     *
     * @param results failed or not
     */
    public Optional<String> sentence(int results) {
        if (count == 0) {
            return Optional.empty();
        }
        int rest = ofOtherKinds();
        return Optional.of(count + " of " + results + (results == 1 ? " row" : " rows") + " failed: "
                + largest().stream().map(kind -> kind.count == 1
                        ? kind.first
                        : kind.first + " (and " + (kind.count - 1) + " like it)").collect(Collectors.joining("; "))
                + (rest > 0 ? "; and " + rest + " of other kinds" : ""));
    }
}
