package dev.lockstep.launch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.lockstep.wire.Message;
import dev.lockstep.wire.Peer;

/**
 * How far every rank has come on its way into the world: connected, known how it is reached over UCX, or without UCX its MPI
 * ports open, through {@code MPI.Init}; and who keeps the others waiting. Times are of System.nanoTime.
 */
final class RankArrivals {
    private static final String CHANGES = " (LOCKSTEP_BOOTSTRAP_TIMEOUT, in seconds, changes that)";

    private final long limit;
    private final String limitText;
    private final Message.Hello[] hellos;
    private final Message.Worker[] workers;
    private final Message.Ports[] ports;
    private final boolean[] joined;
    private long first; // when the first rank connected; 0: none has
    private boolean decided; // whether it is UCX; false too where nobody asks
    private long complete; // when it was known how all are reached; 0: it is not

    /** @param limit from the first rank in World.init until it is known how all are reached, and from then until all are through */
    RankArrivals(int size, Duration limit) {
        this.limit = limit.toNanos();
        limitText = Supervisor.seconds(limit);
        hellos = new Message.Hello[size];
        workers = new Message.Worker[size];
        ports = new Message.Ports[size];
        joined = new boolean[size];
    }

    /**
     * Takes in what a rank says about itself; messages about other things are not looked at.
     *
     * @return what all are to be told, once the last one has said what it takes
     */
    Optional<Message> take(int rank, Message message, long now) {
        if (message instanceof Message.Hello hello) {
            hellos[rank] = hello;
            first = first == 0 ? now : first;
        } else if (message instanceof Message.Joined) {
            joined[rank] = true;
        } else if (message instanceof Message.Worker own) {
            workers[rank] = own;
            if (ranks(each -> workers[each] == null).isEmpty()) {
                decided = true;
                complete = isOverUcx() ? now : 0;
                return Optional.of(new Message.Workers(isOverUcx()
                        ? Stream.of(workers).map(Message.Worker::address).toList()
                        : List.of()));
            }
        } else if (message instanceof Message.Ports own) {
            ports[rank] = own;
            if (ranks(each -> ports[each] == null).isEmpty()) {
                complete = now;
                return Optional.of(new Message.Table(IntStream.range(0, ports.length).mapToObj(each -> new Peer(each,
                        ports[each].address(), ports[each].readPort(), ports[each].writePort(),
                        ports[each].certificate())).toList()));
            }
        }
        return Optional.empty();
    }

    private boolean isOverUcx() {
        return Stream.of(workers).allMatch(worker -> worker.reason().isEmpty());
    }

    /** By what the ranks send messages, and why not by UCX, once it is known how all are reached. */
    String messages() {
        if (decided && isOverUcx()) {
            return "messages go over UCX";
        }
        return "messages go over "
                + (ports[0].writePort() > 0 ? "MPJ Express's niodev" : "Lockstep's TCP")
                + (ports[0].certificate().isEmpty() ? "" : ", encrypted")
                + Stream.of(workers).filter(Objects::nonNull).map(Message.Worker::reason)
                        .filter(reason -> !reason.isEmpty()).findFirst().map(reason -> ", not over UCX: " + reason)
                        .orElse("");
    }

    /** Whether the rank has called World.init. */
    boolean hasCome(int rank) {
        return hellos[rank] != null;
    }

    /** The clock stood still for us, or we for it. */
    void forgive(long nanos) {
        first = first == 0 ? 0 : first + nanos;
        complete = complete == 0 ? 0 : complete + nanos;
    }

    /**
     * What is wrong, once something is. A job of which no rank comes may be one without a world.
     *
     * @param process what is known of the process of a rank that has not come
     */
    Optional<String> check(long now, IntFunction<String> process) {
        if (first == 0 || now - (complete == 0 ? first : complete) <= limit) {
            return Optional.empty();
        }
        if (complete == 0) {
            return Optional.of(missing(process));
        }
        List<Integer> inside = ranks(rank -> !joined[rank]);
        return inside.isEmpty() ? Optional.empty() : Optional.of(insideInit(inside));
    }

    private String missing(IntFunction<String> process) {
        List<Integer> waitedFor = ranks(rank -> ports[rank] == null && (decided || workers[rank] == null));
        List<Integer> away = ranks(rank -> hellos[rank] == null);
        Map<String, List<Integer>> states = new LinkedHashMap<>();
        for (int rank : waitedFor) {
            String state = hellos[rank] == null
                    ? process.apply(rank)
                    : "connected from host " + hellos[rank].host() + ", in World.init, its MPI ports not open yet";
            states.computeIfAbsent(state, key -> new ArrayList<>()).add(rank);
        }
        return (away.isEmpty()
                ? named(waitedFor) + " reached World.init but did not open " + (waitedFor.size() == 1 ? "its" : "their")
                        + " MPI ports within " + limitText + " of the first arrival"
                : named(away) + " did not reach World.init within " + limitText + " of the first") + CHANGES + ": "
                + states.entrySet().stream().map(state -> list(state.getValue()) + ": " + state.getKey())
                        .collect(Collectors.joining("; "));
    }

    private String insideInit(List<Integer> inside) {
        List<Integer> through = ranks(rank -> joined[rank]);
        return named(inside) + (inside.size() == 1 ? " has" : " have") + " not come out of MPI.Init within " + limitText
                + CHANGES + ": " + inside.stream().map(rank -> "rank " + rank + " is in it on host "
                        + hellos[rank].host() + " (process " + hellos[rank].pid() + ")")
                        .collect(Collectors.joining(", "))
                + (through.isEmpty() ? "" : ", " + list(through) + (through.size() == 1 ? " is" : " are") + " through")
                + (Stream.of(ports).allMatch(own -> own != null && own.writePort() > 0)
                        ? "; " + Message.Joined.WHY_NOT
                        : "");
    }

    private List<Integer> ranks(IntPredicate which) {
        return IntStream.range(0, ports.length).filter(which).boxed().toList();
    }

    private String named(List<Integer> ranks) {
        return list(ranks) + " of " + ports.length;
    }

    private static String list(List<Integer> ranks) {
        return (ranks.size() == 1 ? "rank " : "ranks ")
                + ranks.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }
}
