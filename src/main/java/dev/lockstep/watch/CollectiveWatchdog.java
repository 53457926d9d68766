package dev.lockstep.watch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.Amounts;
import dev.lockstep.host.ExitCode;
import dev.lockstep.wire.Message;

/**
 * Where every rank stands in its collectives, and what that says: ranks in different calls, a rank that has ended where
 * others wait for it, a rank that does not come.
 */
public final class CollectiveWatchdog {
    /** @param code how the job ends */
    public record Finding(ExitCode code, String line) {}

    /** A group of ranks is named by its id and its lowest rank: groups that share no rank may have the same id. */
    private record Key(int id, int leader) {}

    /** @param since of the clock that {@link #check} is asked with */
    private record Place(Message.Position position, long since) {
        static final Place NONE = new Place(new Message.Position(0, 0, 0, "", false, 0), 0);

        int number() {
            return position.number();
        }
    }

    /** @param since of the clock that {@link #check} is asked with */
    private record Waiting(Message.Wait message, long since) {}

    /** @param said of the clock that {@link #check} is asked with */
    private record Overdue(int rank, Message.Late message, long said) {}

    /** So long after one rank the others have said where they stand. */
    private static final long NEWS_NANOS = 500_000_000L;

    private static final class Standing {
        private int[] members = new int[0]; // empty until its rank 0 has named them
        private final Map<Integer, Place> places = new LinkedHashMap<>();
        private int left; // so many members can enter none of its collectives any more

        Place of(int rank) {
            return places.getOrDefault(rank, Place.NONE);
        }

        List<Integer> inside() {
            return Arrays.stream(members).filter(rank -> of(rank).position().inside()).boxed().toList();
        }
    }

    private final long limit;
    private final Map<Key, Standing> groups = new LinkedHashMap<>();
    private final long[] lastSign;
    private final Place[] latest;
    private final boolean[] ended;
    // by rank, the messages that it waits for
    private final List<List<Waiting>> waits = new ArrayList<>();
    private @Nullable Overdue overdue; // the first
    private @Nullable Finding found;

    /**
     * @param limit how long a rank may let others wait in a collective without a sign; zero: for ever
     * @param now   of System.nanoTime, as everywhere here
     */
    public CollectiveWatchdog(int size, Duration limit, long now) {
        this.limit = limit.toNanos();
        lastSign = new long[size];
        Arrays.fill(lastSign, now);
        latest = new Place[size];
        Arrays.fill(latest, Place.NONE);
        ended = new boolean[size];
        waits.addAll(Collections.nCopies(size, List.of()));
        group(0, 0).members = IntStream.range(0, size).toArray();
    }

    /** Takes in what a rank says about itself; messages about other things are not looked at. */
    public void take(int rank, Message message, long now) {
        if (message instanceof Message.Position position) {
            lastSign[rank] = now;
            Place place = new Place(position, now - Duration.ofMillis(position.millis()).toNanos());
            latest[rank] = place;
            Standing group = group(position.group(), position.leader());
            group.places.put(rank, place);
            group.places.forEach((other, theirs) -> {
                if (found == null && theirs.number() == position.number()
                        && !theirs.position().call().equals(position.call())) {
                    found = mismatch(Math.min(rank, other), Math.max(rank, other), group);
                }
            });
        } else if (message instanceof Message.Formed formed) {
            group(formed.group(), formed.leader()).members = formed.ranks().stream().mapToInt(each -> each).toArray();
        } else if (message instanceof Message.Left left) {
            Standing group = group(left.group(), left.leader());
            group.left++;
            if (group.members.length > 0 && group.left == group.members.length) {
                groups.remove(new Key(left.group(), left.leader()));
            }
        } else if (message instanceof Message.Late late) {
            overdue = overdue == null ? new Overdue(rank, late, now) : overdue;
        } else if (message instanceof Message.Waits said) {
            waits.set(rank, said.all().stream()
                    .map(each -> new Waiting(each, now - Duration.ofMillis(each.millis()).toNanos())).toList());
        } else if (message instanceof Message.Progress
                || message instanceof Message.Heartbeat alive && alive.atWork()) {
            lastSign[rank] = now;
        }
    }

    /** The rank has ended in good order, and all it said has been taken in. */
    public void ended(int rank) {
        ended[rank] = true;
    }

    /** The clock stood still for us, or we for it: what is late by it is not late. */
    public void forgive(long nanos) {
        for (int rank = 0; rank < lastSign.length; rank++) {
            lastSign[rank] += nanos;
        }
    }

    /** What is wrong, once something is. */
    public Optional<Finding> check(long now) {
        for (Standing group : groups.values()) {
            if (found == null && group.members.length > 0) {
                found = ended(group);
            }
            if (found == null && group.members.length > 0 && limit > 0) {
                found = hang(group, now);
            }
        }
        if (found == null && limit > 0) {
            found = unanswered(now);
        }
        Overdue first = overdue;
        if (found == null && first != null && now - first.said >= NEWS_NANOS) {
            found = overdue(first, now);
        }
        return Optional.ofNullable(found);
    }

    /** A collective that has taken longer than its caller would have it: by whom, as far as can be told. */
    private Finding overdue(Overdue late, long now) {
        Standing group = group(late.message.group(), late.message.leader());
        int number = late.message.number();
        String call = group.places.values().stream().map(Place::position)
                .filter(each -> each.number() == number).map(Message.Position::call).findFirst()
                .orElse("collective #" + number);
        String within = " within " + Amounts.seconds(late.message.millis()) + " s, as rank " + late.rank
                + " would have it; ";
        int missing = Arrays.stream(group.members)
                .filter(rank -> group.of(rank).number() < number && !isHeldUp(rank)).findFirst().orElse(late.rank);
        return new Finding(ExitCode.TIMED_OUT, "hang: rank " + missing + (group.of(missing).number() < number
                ? " has not reached "
                : " has not got through ") + call + within + everyone(missing, now));
    }

    /** A message that has been waited for for too long, of a rank from which nothing can be expected any more. */
    private @Nullable Finding unanswered(long now) {
        for (int rank = 0; rank < waits.size(); rank++) {
            // one that has ended did not say that it waits no more
            for (Waiting wait : ended[rank] ? List.<Waiting>of() : waits.get(rank)) {
                int peer = wait.message.peer();
                if (now - wait.since > limit && !isAnswerToBeExpected(wait, now, new HashSet<>(Set.of(rank)))) {
                    return new Finding(ExitCode.TIMED_OUT, "hang: rank " + rank + " has waited " + wait.message.text()
                            + " for " + (now - wait.since) / 1_000_000_000L + " s; " + everyone(peer, now));
                }
            }
        }
        return null;
    }

    /** Whether a rank has given a sign lately, or waits for one that has. */
    private boolean isToBeExpected(int rank, long now, Set<Integer> asked) {
        if (now - lastSign[rank] <= limit) {
            return true;
        }
        return !ended[rank] && asked.add(rank) && (isHeldUp(rank) || waits.get(rank).stream()
                .anyMatch(wait -> isAnswerToBeExpected(wait, now, asked)));
    }

    /** A message of any rank may come from each but those that wait for it themselves. */
    private boolean isAnswerToBeExpected(Waiting wait, long now, Set<Integer> asked) {
        int peer = wait.message.peer();
        return peer == Message.Wait.ANY
                ? IntStream.range(0, latest.length).filter(rank -> !asked.contains(rank))
                        .anyMatch(rank -> isToBeExpected(rank, now, asked))
                : isToBeExpected(peer, now, asked);
    }

    private Finding mismatch(int rank, int other, Standing group) {
        return new Finding(ExitCode.FAILED,
                "rank " + rank + " is in " + group.of(rank).position().call() + ", rank " + other
                        + " in " + group.of(other).position().call()
                        + ": every rank must call the same collectives in the same order");
    }

    private @Nullable Finding ended(Standing group) {
        for (int waiting : group.inside()) {
            for (int rank : group.members) {
                if (ended[rank] && group.of(rank).number() < group.of(waiting).number()) {
                    return new Finding(ExitCode.FAILED, "rank " + rank + " has ended, where rank " + waiting
                            + " waits for it in " + group.of(waiting).position().call());
                }
            }
        }
        return null;
    }

    private @Nullable Finding hang(Standing group, long now) {
        for (int waiting : group.inside()) {
            Place place = group.of(waiting);
            for (int rank : group.members) {
                // one that waits in another collective itself is not the one to blame
                boolean late = group.of(rank).number() < place.number() && !isHeldUp(rank);
                if (late && now - Math.max(place.since(), lastSign[rank]) > limit) {
                    return new Finding(ExitCode.TIMED_OUT,
                            "hang: rank " + rank + " has not reached " + place.position().call()
                                    + "; " + everyone(rank, now));
                }
            }
        }
        return null;
    }

    /** Whether the rank is in a collective to which some other rank has not come. */
    private boolean isHeldUp(int rank) {
        return groups.values().stream().filter(group -> group.members.length > 0).anyMatch(group -> {
            Place place = group.of(rank);
            return place.position().inside()
                    && Arrays.stream(group.members).anyMatch(other -> group.of(other).number() < place.number());
        });
    }

    /** The late rank first, unless it is none in particular, then the others, those that stand at the same point together. */
    private String everyone(int late, long now) {
        Map<String, List<Integer>> byPoint = new LinkedHashMap<>();
        for (int rank = 0; rank < latest.length; rank++) {
            if (rank != late) {
                byPoint.computeIfAbsent(point(rank), point -> new ArrayList<>()).add(rank);
            }
        }
        List<String> parts = new ArrayList<>();
        if (late != Message.Wait.ANY) {
            parts.add("it" + standing(point(late), List.of(late), now));
        }
        byPoint.forEach((point, ranks) -> parts.add((ranks.size() == 1 ? "rank " : "ranks ")
                + ranks.stream().map(rank -> Integer.toString(rank)).collect(Collectors.joining(", "))
                + standing(point, ranks, now)));
        return String.join("; ", parts);
    }

    private String standing(String point, List<Integer> ranks, long now) {
        String time = time(ranks, now);
        String verb = time.isEmpty()
                ? ranks.size() == 1 ? " is " : " are "
                : ranks.size() == 1 ? " has been " : " have been ";
        return verb + point + time;
    }

    /** The message that a rank waits for, if it is not in a collective. */
    private Optional<Waiting> waitOf(int rank) {
        return ended[rank] || place(rank).position().inside()
                ? Optional.empty()
                : waits.get(rank).stream().findFirst();
    }

    private String point(int rank) {
        Place place = place(rank);
        Optional<Waiting> wait = waitOf(rank);
        if (wait.isPresent()) {
            return "waiting " + wait.get().message.text();
        }
        return ended[rank]
                ? "at its end"
                : place.position().inside()
                        ? "in " + place.position().call()
                        : place.equals(Place.NONE)
                                ? "in its own code before the first collective"
                                : "in its own code after " + place.position().call();
    }

    /** Of ranks at one point, how long the first has been there. */
    private String time(List<Integer> ranks, long now) {
        if (ended[ranks.get(0)]) {
            return "";
        }
        boolean waiting = waitOf(ranks.get(0)).isPresent();
        if (!waiting && place(ranks.get(0)).equals(Place.NONE)) {
            return "";
        }
        long since = ranks.stream().mapToLong(rank -> waitOf(rank).map(Waiting::since).orElse(place(rank).since()))
                .min().orElse(now);
        return " for " + Math.max(0, (now - since) / 1_000_000_000L) + " s";
    }

    /** The collective that the rank is in, else the one that it left last. */
    private Place place(int rank) {
        return groups.values().stream().map(group -> group.of(rank)).filter(each -> each.position().inside())
                .max(Comparator.comparingLong(Place::since)).orElse(latest[rank]);
    }

    private Standing group(int id, int leader) {
        return groups.computeIfAbsent(new Key(id, leader), key -> new Standing());
    }
}
