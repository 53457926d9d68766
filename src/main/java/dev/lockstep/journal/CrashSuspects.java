package dev.lockstep.journal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Which rows ranks may have died of, followed through all deaths that the journals tell of. Rows that were under way on a
 * rank that died are suspects together. If a rank dies again while it has nothing but suspects, those that it had under way
 * then go on as two halves, until one is left.
 *
 * <p>
 * Ranks that die in the same run most often have one cause, a launcher that was killed or a host that is gone, so this makes
 * suspects only of rows that it happens to twice.
 */
public final class CrashSuspects {
    /** A sample of a prompt. */
    public record Sample(int prompt, int sample) {}

    /**
     * A rank that did not end in good order.
     *
     * @param rows  what was under way on it
     * @param apart whether these were suspects, kept apart from others
     */
    record Death(int run, Set<Sample> rows, boolean apart) {}

    /**
     * What is held against a row.
     *
     * @param death    the last one at which it was under way; rows with the same one are suspects together
     * @param again    whether that was the death of a rank that had only suspects, so that half of them have to go
     * @param deaths   at which it was under way
     * @param setAside whether it is clear that ranks die of this row
     */
    public record Suspicion(int death, boolean again, int deaths, boolean setAside) {}

    /**
     * One death may be anybody's doing, and a row that takes long is under way at several. Among four rows or more it takes so
     * many anyway to find one by halves.
     */
    private static final int DEATHS = 4;
    /** What it takes besides: one death with nothing else under way while no other rank died, or two while others did. */
    private static final int PROOF = 2;

    private static final class History {
        private int last;
        private boolean again;
        private int deaths;
        private int proof;
    }

    private final Map<Sample, History> records = new HashMap<>();

    CrashSuspects(List<Death> ofRanks) {
        List<Death> all = together(ofRanks);
        Map<Integer, Integer> diedInRun = new HashMap<>();
        all.forEach(death -> diedInRun.merge(death.run, 1, Integer::sum));
        int number = 0;
        for (Death death : all.stream().sorted(Comparator.comparingInt(Death::run)).toList()) {
            number++;
            boolean only = diedInRun.getOrDefault(death.run, 0) == 1;
            for (Sample row : death.rows) {
                History record = records.computeIfAbsent(row, any -> new History());
                record.deaths++;
                if (only || death.apart || record.deaths > 1) {
                    record.last = number;
                    record.again = death.apart;
                }
                if (death.apart && death.rows.size() == 1) {
                    record.proof += only ? PROOF : 1;
                }
            }
        }
    }

    /** Ranks that had a row in common compute the model together, and die as one. */
    private static List<Death> together(List<Death> ofRanks) {
        List<Death> all = new ArrayList<>();
        for (Death death : ofRanks) {
            Death before = all.stream()
                    .filter(each -> each.run == death.run && !Collections.disjoint(each.rows, death.rows)).findFirst()
                    .orElse(null);
            if (before == null) {
                all.add(death);
            } else {
                Set<Sample> rows = new HashSet<>(before.rows);
                rows.addAll(death.rows);
                all.set(all.indexOf(before), new Death(death.run, rows, death.apart));
            }
        }
        return all;
    }

    /** What is held against a row; null: nothing. */
    @Nullable
    Suspicion of(Sample row) {
        History record = records.get(row);
        return record == null || record.last == 0
                ? null
                : new Suspicion(record.last, record.again, record.deaths,
                        record.deaths >= DEATHS && record.proof >= PROOF);
    }
}
