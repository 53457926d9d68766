package dev.lockstep.wire;

/**
 * Where one rank can be reached by the others.
 *
 * @param rank        the rank
 * @param host        the name or address its peers connect to
 * @param readPort    the port MPJ Express calls "read", or the only one
 * @param writePort   the port MPJ Express calls "write"; 0 where there is but one
 * @param certificate the sum of the one that it shows its peers; empty: nothing is encrypted
 */
public record Peer(int rank, String host, int readPort, int writePort, String certificate) {}
