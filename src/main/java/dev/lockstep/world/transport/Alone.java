package dev.lockstep.world.transport;

/** The transport of a world of one rank, which sends nothing. */
public final class Alone implements Transport {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public void send(byte[] bytes, int offset, int length, int to, int tag) {
        throw nobody();
    }

    @Override
    public int receive(byte[] bytes, int offset, int length, int from, int tag) {
        throw nobody();
    }

    @Override
    public boolean isThere(int tag) {
        return false;
    }

    private static IllegalStateException nobody() {
        return new IllegalStateException("there is no other rank");
    }

    @Override
    public void finish() {
        // nobody waits
    }
}
