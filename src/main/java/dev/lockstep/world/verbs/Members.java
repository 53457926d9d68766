package dev.lockstep.world.verbs;

import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which ranks form a group.
 *
 * @param id    0 for the world; no two groups that share a rank have the same
 * @param world the members' ranks in the world, by their rank in the group
 * @param self  this rank's rank in the group
 */
public record Members(int id, int[] world, int self) {
    private static final int SHOWN = 16;
    private static final int BEGUN = 1 << 26;
    private static final int FARM = 1 << 27;

    public static Members ofWorld(int size, int self) {
        return new Members(0, IntStream.range(0, size).toArray(), self);
    }

    /** The same ranks with an id of its own, for collectives that are begun and not waited for. */
    public Members begun() {
        return new Members(id | BEGUN, world, self);
    }

    /** The same ranks with an id of its own, for the messages of task farms. */
    public Members farm() {
        return new Members(id | FARM, world, self);
    }

    public int size() {
        return world.length;
    }

    /** The rank in the group of one of the world's. */
    int rankOf(int worldRank) {
        int rank = 0;
        while (world[rank] != worldRank) {
            rank++;
        }
        return rank;
    }

    /** Tells groups with the same id apart, which share no rank. */
    public int leader() {
        return Arrays.stream(world).min().orElseThrow();
    }

    /** For the text that names a call: nothing for the world. */
    public String suffix() {
        return ((id & BEGUN) == 0 ? "" : " that was begun") + ofWhom();
    }

    private String ofWhom() {
        return (id & ~BEGUN) == 0
                ? ""
                : " of the group of ranks " + Arrays.stream(world).limit(SHOWN).mapToObj(Integer::toString)
                        .collect(Collectors.joining(", ")) + (size() > SHOWN ? ", ..." : "");
    }
}
