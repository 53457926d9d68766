package dev.lockstep.wire;

import java.io.IOException;
import java.net.BindException;

/**
 * The ports that a job may listen on.
 *
 * @param first 0, as the last: any that the system gives
 * @param last  included
 */
public record PortRange(int first, int last) {
    public static final PortRange ANY = new PortRange(0, 0);
    private static final int HIGHEST = 65_535;

    /** Listens on a port. */
    public interface Binding {
        void bind(int port) throws IOException;
    }

    /**
     * @param text such as 40000-40100, or one port; empty: {@link #ANY}
     * @throws IllegalArgumentException when it is neither
     */
    public static PortRange parse(String text) {
        if (text.isEmpty()) {
            return ANY;
        }
        if (text.matches("\\d{1,5}(-\\d{1,5})?")) {
            int dash = text.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? text : text.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(text.substring(dash + 1));
            if (first > 0 && first <= last && last <= HIGHEST) {
                return new PortRange(first, last);
            }
        }
        throw new IllegalArgumentException("give a range of ports such as 40000-40100");
    }

    /**
     * Listens on the first port that is free.
     *
     * @param begin where to look first, counted from the range's first port, so that those who look at the same time do not
     *              all try the same
     * @throws BindException naming the range when none is free
     */
    public void bind(int begin, Binding binding) throws IOException {
        int count = last - first + 1;
        for (int i = 0; i < count; i++) {
            try {
                binding.bind(first + Math.floorMod(begin + i, count));
                return;
            } catch (BindException e) {
                if (first == 0 || !String.valueOf(e.getMessage()).contains("in use")) {
                    throw e; // no other port is any better
                }
            }
        }
        throw new BindException("none of the ports " + this + " is free");
    }

    /** As {@link #parse} takes it. */
    @Override
    public String toString() {
        return first == 0 ? "" : first + "-" + last;
    }
}
