package dev.lockstep.world.verbs;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Collectives of arrays between ranks that share memory. Every array goes into it once and comes out once, a piece in each
 * step; the ranks divide the work of combining.
 */
final class SharedArrays {
    /** Bytes of every rank's array that are combined at a time, in a processor's nearest cache. */
    private static final int COMBINED = 8 << 10;
    /** Every rank combines all of arrays that are no longer, which takes one step less than to share the work. */
    private static final int SHORT = 4 << 10;

    private final SharedSteps steps;
    private final int rank;
    private final int size;
    private final int head;
    private final Run everyone;

    SharedArrays(SharedSteps steps) {
        this.steps = steps;
        this.rank = steps.members().self();
        this.size = steps.members().size();
        this.head = steps.head();
        this.everyone = new Run(0, size);
    }

    void barrier() {
        steps.next(0);
        steps.arrive();
        for (int from = 1; from < size; from++) {
            steps.of((rank + from) % size);
        }
    }

    /** What a barrier of several hosts begins with in each: rank 0 waits for all. */
    void gatherSigns() {
        steps.next(0);
        steps.arrive();
        for (int from = 1; rank == 0 && from < size; from++) {
            steps.of(from);
        }
    }

    /** What it ends with: all wait for rank 0. */
    void passSign() {
        steps.next(0);
        steps.arrive();
        if (rank != 0) {
            steps.of(0);
        }
    }

    /** What the root does of {@link #broadcast}, but for a copy of its own. */
    <A> void pass(A given, ArrayCodec<A> codec) {
        int most = most(codec, 1);
        int length = codec.length(given);
        int at = 0;
        do {
            int n = Math.min(most, length - at);
            codec.put(steps.next(length), head, given, at, n);
            steps.arrive();
            at += n;
        } while (at < length);
    }

    <A> A broadcast(@Nullable A values, ArrayCodec<A> codec, int root) {
        if (rank == root) {
            pass(codec.given(values), codec);
            return codec.copy(values);
        }
        int most = most(codec, 1);
        A result = null;
        int at = 0;
        do {
            steps.next(0);
            steps.arrive();
            ByteBuffer slot = steps.of(root);
            if (result == null) {
                result = codec.create(slot.getInt(SharedSteps.LENGTH_AT));
            }
            int n = Math.min(most, codec.length(result) - at);
            codec.get(slot, head, result, at, n);
            at += n;
        } while (at < codec.length(result));
        return result;
    }

    <A> A scatter(List<A> given, ArrayCodec<A> codec, int root) {
        int most = most(codec, 1);
        A result = null;
        int[] lengths = new int[size];
        int longest = 0;
        for (int at = 0; more(at, longest); at += most) {
            ByteBuffer own = steps.next(0);
            if (rank == root) {
                for (int to = 0; to < size; to++) {
                    A values = codec.given(given.get(to));
                    lengths[to] = codec.length(values);
                    longest = Math.max(longest, lengths[to]);
                    own.putInt(SharedSteps.LENGTHS_AT + to * Integer.BYTES, lengths[to]);
                    if (to != root) {
                        codec.put(steps.slot(to), head, values, at, part(lengths[to], at, most));
                    }
                }
            }
            steps.arrive();
            if (rank == root) {
                continue;
            }
            ByteBuffer slot = steps.of(root);
            if (result == null) {
                for (int to = 0; to < size; to++) {
                    lengths[to] = slot.getInt(SharedSteps.LENGTHS_AT + to * Integer.BYTES);
                    longest = Math.max(longest, lengths[to]);
                }
                result = codec.create(lengths[rank]);
            }
            codec.get(steps.slot(rank), head, result, at, part(lengths[rank], at, most));
        }
        return result == null ? codec.copy(given.get(root)) : result;
    }

    /** @return on the root the arrays, elsewhere nothing that means anything */
    <A> List<A> gather(@Nullable A values, ArrayCodec<A> codec, int root) {
        return gather(values, codec, rank == root);
    }

    <A> List<A> allGather(@Nullable A values, ArrayCodec<A> codec) {
        return gather(values, codec, true);
    }

    private <A> List<A> gather(@Nullable A values, ArrayCodec<A> codec, boolean reads) {
        int most = most(codec, 1);
        A given = codec.given(values);
        int length = codec.length(given);
        int longest = length;
        List<A> all = new ArrayList<>();
        for (int at = 0; more(at, longest); at += most) {
            codec.put(steps.next(length), head, given, at, part(length, at, most));
            steps.arrive();
            if (at == 0) {
                for (int from = 0; from < size; from++) {
                    int theirs = from == rank ? length : steps.of(from).getInt(SharedSteps.LENGTH_AT);
                    longest = Math.max(longest, theirs);
                    if (reads) {
                        all.add(from == rank ? codec.copy(given) : codec.create(theirs));
                    }
                }
            }
            for (int i = 1; reads && i < size; i++) {
                int from = (rank + i) % size;
                int n = part(codec.length(all.get(from)), at, most);
                if (n > 0) {
                    codec.get(steps.of(from), head, all.get(from), at, n);
                }
            }
        }
        return all;
    }

    <A> List<A> allToAll(List<A> given, ArrayCodec<A> codec) {
        int most = most(codec, size);
        int longest = 0;
        List<A> all = new ArrayList<>();
        for (int at = 0; more(at, longest); at += most) {
            ByteBuffer own = steps.next(0);
            for (int to = 0; to < size; to++) {
                A values = codec.given(given.get(to));
                own.putInt(SharedSteps.LENGTHS_AT + to * Integer.BYTES, codec.length(values));
                if (to != rank) {
                    codec.put(own, head + to * most * codec.size(), values, at, part(codec.length(values), at, most));
                }
            }
            steps.arrive();
            if (at == 0) {
                for (int from = 0; from < size; from++) {
                    ByteBuffer slot = steps.of(from);
                    for (int to = 0; to < size; to++) {
                        longest = Math.max(longest, slot.getInt(SharedSteps.LENGTHS_AT + to * Integer.BYTES));
                    }
                    all.add(from == rank
                            ? codec.copy(given.get(rank))
                            : codec.create(slot.getInt(SharedSteps.LENGTHS_AT + rank * Integer.BYTES)));
                }
            }
            for (int i = 1; i < size; i++) {
                int from = (rank + i) % size;
                codec.get(steps.of(from), head + rank * most * codec.size(), all.get(from), at,
                        part(codec.length(all.get(from)), at, most));
            }
        }
        return all;
    }

    /**
     * @param each combines arrays of the same length, element by element
     * @return on the root the result, elsewhere null
     */
    <A> @Nullable A reduce(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each, int root) {
        List<A> result = reduce(values, codec, each, List.of(everyone), rank == root);
        return result.isEmpty() ? null : result.get(0);
    }

    <A> A allReduce(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each) {
        return reduce(values, codec, each, List.of(everyone), true).get(0);
    }

    /**
     * @param runs  of each the ranks' arrays are combined
     * @param reads whether this rank wants what comes of it
     * @return of each run the result, if it is wanted
     */
    <A> List<A> reduce(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each, List<Run> runs, boolean reads) {
        A given = codec.given(values);
        int length = codec.length(given);
        List<A> results = new ArrayList<>();
        for (int i = 0; reads && i < runs.size(); i++) {
            results.add(codec.create(length));
        }
        if ((long) length * codec.size() <= Math.min(SHORT, steps.room())) {
            codec.put(steps.next(length), head, given, 0, length);
            steps.arrive();
            if (reads) {
                checkLengths(codec, length);
            }
            Combination<A> combination = new Combination<>(codec, each, length);
            for (int i = 0; reads && i < runs.size(); i++) {
                combination.of(runs.get(i), head, length, results.get(i), 0);
            }
            return results;
        }
        int most = most(codec, size);
        Combination<A> combination = new Combination<>(codec, each, length);
        for (int at = 0; more(at, length(length, 0)); at += most) {
            int n = writeBlocks(given, codec, length, at, most);
            for (Run run : runs) {
                // nobody else reads or writes this rank's block there
                combination.into(run, steps.slot(run.first()), head + rank * most * codec.size(), n);
            }
            steps.arrive();
            for (int i = 0; reads && i < size; i++) {
                int of = (rank + i) % size;
                ByteBuffer unused = steps.of(of);
                for (int k = 0; k < runs.size(); k++) {
                    codec.get(steps.slot(runs.get(k).first()), head + of * most * codec.size(), results.get(k),
                            codec.start(length, of, size) + at, part(length(length, of), at, most));
                }
            }
        }
        return results;
    }

    /** @return this rank's block of the combined arrays */
    <A> A reduceScatter(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each) {
        A given = codec.given(values);
        int length = codec.length(given);
        A result = codec.create(length(length, rank));
        int most = most(codec, size);
        Combination<A> combination = new Combination<>(codec, each, length);
        for (int at = 0; more(at, length(length, 0)); at += most) {
            int n = writeBlocks(given, codec, length, at, most);
            combination.of(everyone, head + rank * most * codec.size(), n, result, at);
        }
        return result;
    }

    /**
     * A piece of every rank's block of this rank's array.
     *
     * @return elements of this rank's block
     */
    private <A> int writeBlocks(A given, ArrayCodec<A> codec, int length, int at, int most) {
        ByteBuffer own = steps.next(length);
        for (int of = 0; of < size; of++) {
            codec.put(own, head + of * most * codec.size(), given, codec.start(length, of, size) + at,
                    part(length(length, of), at, most));
        }
        steps.arrive();
        checkLengths(codec, length);
        return part(length(length, rank), at, most);
    }

    /**
     * @param ranks how many from rank 0 on are combined, from the first to the last; 0 gives an array of zeros
     */
    <A> A scan(@Nullable A values, ArrayCodec<A> codec, Elementwise<A> each, int ranks) {
        A given = codec.given(values);
        int length = codec.length(given);
        int most = most(codec, 1);
        A result = codec.create(length);
        Combination<A> combination = new Combination<>(codec, each, length);
        for (int at = 0; more(at, length); at += most) {
            int n = part(length, at, most);
            codec.put(steps.next(length), head, given, at, n);
            steps.arrive();
            checkLengths(codec, length);
            if (ranks > 0) {
                combination.inOrder(new Run(0, ranks), head, n, result, at);
            }
        }
        return result;
    }

    private <A> void checkLengths(ArrayCodec<A> codec, int length) {
        for (int from = 0; from < size; from++) {
            codec.checkSame(steps.of(from).getInt(SharedSteps.LENGTH_AT), length);
        }
    }

    /** Combines what the ranks have at the same place in their slots, a little at a time. */
    private final class Combination<A> {
        private final ArrayCodec<A> codec;
        private final Elementwise<A> each;
        private final int most;
        private final List<A> scratch = new ArrayList<>();

        Combination(ArrayCodec<A> codec, Elementwise<A> each, int length) {
            this.codec = codec;
            this.each = each;
            this.most = Math.max(1, Math.min(length, COMBINED / codec.size()));
        }

        void of(Run run, int place, int n, A result, int at) {
            for (int done = 0; done < n; done += most) {
                int part = Math.min(most, n - done);
                System.arraycopy(each.tree(read(run, place + done * codec.size(), part)), 0, result, at + done, part);
            }
        }

        void into(Run run, ByteBuffer slot, int place, int n) {
            for (int done = 0; done < n; done += most) {
                int part = Math.min(most, n - done);
                codec.put(slot, place + done * codec.size(), each.tree(read(run, place + done * codec.size(), part)), 0,
                        part);
            }
        }

        void inOrder(Run run, int place, int n, A result, int at) {
            for (int done = 0; done < n; done += most) {
                int part = Math.min(most, n - done);
                List<A> parts = read(run, place + done * codec.size(), part);
                A combined = parts.get(0);
                for (int of = 1; of < parts.size(); of++) {
                    combined = each.apply(combined, parts.get(of));
                }
                System.arraycopy(combined, 0, result, at + done, part);
            }
        }

        private List<A> read(Run run, int place, int n) {
            if (!scratch.isEmpty() && codec.length(scratch.get(0)) != n) {
                scratch.clear();
            }
            while (scratch.size() < run.size()) {
                scratch.add(codec.create(n));
            }
            for (int i = 0; i < run.size(); i++) {
                codec.get(steps.of(run.first() + i), place, scratch.get(i), 0, n);
            }
            return scratch.subList(0, run.size());
        }

    }

    /** Elements of an array that fit in one of so many parts of a slot. */
    private int most(ArrayCodec<?> codec, int parts) {
        return Math.max(1, steps.room() / parts / SharedSteps.ALIGNED * SharedSteps.ALIGNED / codec.size());
    }

    /** There is a first step; the place after the last may be larger than an int. */
    private static boolean more(int at, int length) {
        return at == 0 || at > 0 && at < length;
    }

    private static int part(int length, int at, int most) {
        return Math.max(0, Math.min(most, length - at));
    }

    private int length(int length, int of) {
        return length / size + (of < length % size ? 1 : 0);
    }
}
