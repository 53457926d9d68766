package dev.lockstep.world.verbs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What hosts can combine by themselves of what their ranks have, so that the whole is combined as it is up a binomial tree of
 * all ranks, to the last bit, however ranks are spread over hosts: the largest subtrees all of whose ranks are on these hosts.
 */
final class HostTree {
    private final int[] hostOf;
    private final Map<Run, List<Run>> known = new HashMap<>();

    HostTree(int[] hostOf) {
        this.hostOf = hostOf;
    }

    /** All ranks. */
    Run root() {
        return new Run(0, hostOf.length);
    }

    /** The subtrees of some hosts, by their first ranks. */
    List<Run> of(Run hosts) {
        List<Run> found = known.get(hosts);
        if (found == null) {
            found = new ArrayList<>();
            find(root(), hosts, found);
            known.put(hosts, List.copyOf(found));
        }
        return found;
    }

    private void find(Run tree, Run hosts, List<Run> found) {
        boolean whole = true;
        for (int rank = tree.first(); rank < tree.end(); rank++) {
            whole &= hostOf[rank] >= hosts.first() && hostOf[rank] < hosts.end();
        }
        if (whole) {
            found.add(tree);
        } else if (tree.size() > 1) {
            find(left(tree), hosts, found);
            find(right(tree), hosts, found);
        }
    }

    private static Run left(Run tree) {
        return new Run(tree.first(), tree.first() + Integer.highestOneBit(tree.size() - 1));
    }

    private static Run right(Run tree) {
        return new Run(left(tree).end(), tree.end());
    }

    /** What comes of a tree of which there is all, in parts. */
    <A> A combine(Run tree, Map<Run, A> parts, Elementwise<A> each) {
        A part = parts.get(tree);
        return part != null ? part : each.apply(combine(left(tree), parts, each), combine(right(tree), parts, each));
    }
}
