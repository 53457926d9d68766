package dev.lockstep.wire;

/**
 * Where one rank's MPI sockets can be reached.
 *
 * @param rank      the rank
 * @param host      the name or address its peers connect to
 * @param readPort  the port MPJ calls "read"
 * @param writePort the port MPJ calls "write"
 */
public record Peer(int rank, String host, int readPort, int writePort) {}
