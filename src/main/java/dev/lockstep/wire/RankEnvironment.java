package dev.lockstep.wire;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the launcher tells a rank before it starts, as environment variables: a command line could be read by every user
 * of the machine, and the token must not.
 *
 * @param rank        from 0
 * @param size        number of ranks in the job
 * @param localRank   from 0, among the ranks of the same host
 * @param localSize   number of ranks on that host
 * @param host        the host's name
 * @param device      what the rank computes on: {@code cpu} or {@code cuda}
 * @param traffic     how it sends messages to the others
 * @param address     its peers are to reach it by; empty: the one it reaches the launcher by
 * @param coordinator the launcher's {@code address:port}
 * @param token       shows the launcher that a link comes from this job
 * @param past        what there was of the job before
 */
public record RankEnvironment(int rank, int size, int localRank, int localSize, String host, String device,
        Traffic traffic, String address, String coordinator, String token, Past past) {

    private static final String PREFIX = "LOCKSTEP_";
    private static final String PORTS = PREFIX + "PORTS";
    private static final String ENCRYPT = PREFIX + "ENCRYPT";
    private static final String ADDRESS = PREFIX + "ADDRESS";
    private static final String JOB = PREFIX + "JOB";
    private static final String RESTART = PREFIX + "RESTART";
    private static final String DEATHS = PREFIX + "DEATHS";
    /** The one variable that says whether a process is a rank of a launcher. */
    private static final String COORDINATOR = PREFIX + "COORDINATOR";
    /** Set where the user wants traces with the sentences. */
    public static final String VERBOSE = PREFIX + "VERBOSE";
    /** Set where the user wants to see results while the job runs. */
    public static final String WATCH = PREFIX + "WATCH";
    /** Kept apart from what a dry run may print. */
    public static final String TOKEN = PREFIX + "TOKEN";

    /** Of a rank that has no launcher. */
    public static RankEnvironment alone(int rank, int size, int localRank, int localSize, String host, String device) {
        return new RankEnvironment(rank, size, localRank, localSize, host, device, Traffic.by("niodev"), "", "", "",
                Past.NONE);
    }

    /** The variables, in the order of the fields. */
    public Map<String, String> variables() {
        Map<String, String> variables = new LinkedHashMap<>();
        variables.put(PREFIX + "RANK", Integer.toString(rank));
        variables.put(PREFIX + "SIZE", Integer.toString(size));
        variables.put(PREFIX + "LOCAL_RANK", Integer.toString(localRank));
        variables.put(PREFIX + "LOCAL_SIZE", Integer.toString(localSize));
        variables.put(PREFIX + "HOST", host);
        variables.put(PREFIX + "DEVICE", device);
        variables.put(PREFIX + "MPJ_DEVICE", traffic.device());
        variables.put(PORTS, traffic.ports().toString());
        variables.put(ENCRYPT, traffic.encrypt() ? "1" : "");
        variables.put(ADDRESS, address);
        variables.put(COORDINATOR, coordinator);
        variables.put(TOKEN, token);
        variables.put(JOB, past.job());
        variables.put(RESTART, Integer.toString(past.restarts()));
        variables.put(DEATHS, String.join("\n", past.deaths()));
        return variables;
    }

    /** Whether these variables are those of a rank. */
    public static boolean isIn(Map<String, String> variables) {
        return variables.containsKey(COORDINATOR);
    }

    /**
     * Reads what {@link #variables()} wrote.
     *
     * @throws IllegalStateException naming the variable that is missing or no number
     */
    public static RankEnvironment of(Map<String, String> variables) {
        return new RankEnvironment(number(variables, "RANK"), number(variables, "SIZE"),
                number(variables, "LOCAL_RANK"), number(variables, "LOCAL_SIZE"), text(variables, "HOST"),
                text(variables, "DEVICE"), traffic(variables), variables.getOrDefault(ADDRESS, ""),
                text(variables, "COORDINATOR"),
                text(variables, "TOKEN"), new Past(variables.getOrDefault(JOB, ""), number(variables, "RESTART"),
                        variables.getOrDefault(DEATHS, "").lines().toList()));
    }

    private static Traffic traffic(Map<String, String> variables) {
        return new Traffic(text(variables, "MPJ_DEVICE"), PortRange.parse(variables.getOrDefault(PORTS, "")),
                !variables.getOrDefault(ENCRYPT, "").isEmpty());
    }

    private static String text(Map<String, String> variables, String name) {
        String value = variables.get(PREFIX + name);
        if (value == null) {
            throw new IllegalStateException(PREFIX + name + " is not set: start ranks with launch/mpjrun.sh");
        }
        return value;
    }

    private static int number(Map<String, String> variables, String name) {
        try {
            return Integer.parseInt(text(variables, name));
        } catch (NumberFormatException e) {
            throw new IllegalStateException(PREFIX + name + " is not a number: start ranks with launch/mpjrun.sh", e);
        }
    }
}
