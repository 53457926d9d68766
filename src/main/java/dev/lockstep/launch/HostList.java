package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import dev.lockstep.host.UsageException;
import dev.lockstep.wire.HostRanks;

/**
 * Hosts and how many ranks each takes, in the order given.
 *
 * @param slots by host name; a host named twice has the slots of both
 */
record HostList(Map<String, Integer> slots) {
    private static final String HOST = "[A-Za-z0-9_%@\\[][A-Za-z0-9_%@.:\\[\\]-]*";
    private static final int MAX_SLOTS = 65_536;

    HostList {
        slots = new LinkedHashMap<>(slots);
    }

    /** @param text as after -H: {@code h1:2,h2} */
    static HostList parse(String text) {
        Map<String, Integer> slots = new LinkedHashMap<>();
        for (String entry : text.split(",", -1)) {
            add(slots, "-H " + text, entry.strip(), 1);
        }
        return new HostList(slots);
    }

    /** Reads lines {@code host}, {@code host:4} or {@code host slots=4}; # begins a comment. */
    static HostList read(String option, Path file) {
        Map<String, Integer> slots = new LinkedHashMap<>();
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new UsageException(option + ": it cannot be read: "
                    + (Files.isDirectory(file)
                            ? "it is a directory"
                            : Files.exists(file)
                                    ? "check that it is a text file that you may read"
                                    : "there is no such file"));
        }
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).replaceFirst("#.*", "").strip();
            String[] words = line.split("\\s+");
            String where = option + " line " + (i + 1);
            if (words.length > 2 || words.length == 2 && !words[1].matches("slots=.*")) {
                throw new UsageException(where + ": \"" + line + "\" is none of: host, host:4, host slots=4");
            }
            if (!line.isEmpty()) {
                add(slots, where, words[0], words.length == 2 ? count(where, words[1].substring(6)) : 1);
            }
        }
        if (slots.isEmpty()) {
            throw new UsageException(option + ": it names no host");
        }
        return new HostList(slots);
    }

    HostList without(Collection<String> hosts) {
        Map<String, Integer> left = new LinkedHashMap<>(slots);
        left.keySet().removeAll(hosts);
        return new HostList(left);
    }

    int size() {
        return slots.values().stream().mapToInt(Integer::intValue).sum();
    }

    /**
     * Fills the hosts' slots in order, and over again if there are more ranks.
     *
     * @throws UsageException when there are more ranks than slots and that is not wanted
     */
    List<HostRanks> share(int ranks, boolean oversubscribe) {
        if (ranks > size() && !oversubscribe) {
            throw new UsageException("-np " + ranks + " is more than the " + size() + " slots of " + String.join(", ",
                    slots.keySet()) + ": give hosts more slots, as in host:4, or --oversubscribe");
        }
        Map<String, List<Integer>> shares = new LinkedHashMap<>();
        int rank = 0;
        while (rank < ranks) {
            for (Map.Entry<String, Integer> host : slots.entrySet()) {
                for (int i = 0; i < host.getValue() && rank < ranks; i++) {
                    shares.computeIfAbsent(host.getKey(), name -> new ArrayList<>()).add(rank++);
                }
            }
        }
        return shares.entrySet().stream()
                .map(share -> new HostRanks(share.getValue(), ranks, 0, share.getValue().size(), share.getKey()))
                .toList();
    }

    private static void add(Map<String, Integer> slots, String where, String entry, int count) {
        int colon = entry.lastIndexOf(':');
        // one colon is a count, several are an IPv6 address
        boolean counted = colon >= 0 && (entry.indexOf(':') == colon || entry.charAt(colon - 1) == ']');
        String name = counted ? entry.substring(0, colon) : entry;
        if (!name.matches(HOST)) {
            throw new UsageException(where + ": \"" + name + "\" is not a host name");
        }
        slots.merge(name, counted ? count(where, entry.substring(colon + 1)) : count, Integer::sum);
    }

    private static int count(String where, String text) {
        int count = text.matches("\\d{1,6}") ? Integer.parseInt(text) : 0;
        if (count < 1 || count > MAX_SLOTS) {
            throw new UsageException(
                    where + ": \"" + text + "\" is not a number of slots: give a whole number, 1 or more");
        }
        return count;
    }
}
