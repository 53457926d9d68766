package dev.lockstep.world;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.IoReason;
import dev.lockstep.world.transport.UnnamedFile;

/**
 * The ranks of each host: as groups, and with memory that they share.
 *
 * <pre>{@code
 * FloatBuffer table = world.hosts().share(4 * n, bytes -> fill(bytes.asFloatBuffer())).asFloatBuffer();
 * }</pre>
 */
public final class Hosts {
    private static final int BLOCK = 1 << 20;
    /** Files in memory first; in the other place they are in memory while there is room. */
    private static final List<Path> PLACES = List.of(Path.of("/dev/shm"),
            Path.of(System.getProperty("java.io.tmpdir")));

    private final World world;
    private final Group here;
    private final Optional<Group> leaders;

    /** A collective: which ranks are on one host they tell each other. */
    Hosts(World world) {
        this.world = world;
        List<String> all = world.allGather(world.host(), String.class);
        int leader = all.indexOf(world.host());
        here = world.group(leader);
        Group others = world.group(world.rank() == leader ? 0 : 1);
        leaders = world.rank() == leader ? Optional.of(others) : Optional.empty();
    }

    /** The ranks of this rank's host (MPI_Comm_split_type with MPI_COMM_TYPE_SHARED, {@code Split_type}). */
    public Group here() {
        return here;
    }

    /** The lowest rank of each host, on those ranks; on all others empty. */
    public Optional<Group> leaders() {
        return leaders;
    }

    /** What is mapped here, and by which name the other ranks of the host open it. */
    private record Made(String name, FileChannel file, ByteBuffer bytes) {}

    /**
     * Memory that the ranks of a host share, with the same bytes on every host (MPI_Win_allocate_shared,
     * {@code Win.Allocate_shared}): for what all read, of which one copy on a host is enough. In {@code /dev/shm}, or where
     * there is no room in a temporary file. Nothing is left of it once the ranks have ended, however that happens. A
     * collective of all ranks.
     *
     * @param length in bytes, up to 2 GiB - 1; rank 0's counts
     * @param fill   writes the bytes, in the machine's order; is called on rank 0 only
     * @return the bytes, to be read only, in the machine's order
     * @throws IllegalArgumentException when the length is below 0
     * @throws IllegalStateException    when there is no room, or the ranks of a host do not see each other's files
     */
    public ByteBuffer share(int length, Consumer<ByteBuffer> fill) {
        if (length < 0) {
            throw new IllegalArgumentException("share: " + length + " bytes");
        }
        int bytes = (int) world.longs().broadcast(new long[]{length})[0];
        Made made = leaders.isPresent() ? make(bytes) : null;
        if (made != null && world.isRoot()) {
            fill.accept(made.bytes.duplicate().order(ByteOrder.nativeOrder()));
        }
        if (made != null && leaders.isPresent() && leaders.get().size() > 1) {
            for (int at = 0; at < bytes; at += BLOCK) {
                byte[] block = new byte[Math.min(BLOCK, bytes - at)];
                made.bytes.get(at, block);
                made.bytes.put(at, leaders.get().bytes().broadcast(block));
            }
        }
        String name = here.broadcast(made == null ? null : made.name, String.class);
        ByteBuffer view = made == null ? open(name, bytes) : made.bytes;
        here.barrier();
        if (made != null) {
            close(made.file);
        }
        return view.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    }

    private static Made make(int length) {
        String fault = "";
        for (Path place : PLACES) {
            FileChannel file = null;
            try {
                UnnamedFile made = UnnamedFile.create(place);
                file = made.channel();
                // a page that there is no room for would end the process when it is first written
                ByteBuffer zeros = ByteBuffer.allocateDirect(BLOCK);
                for (long at = 0; at < length;) {
                    at += file.write(zeros.clear().limit((int) Math.min(BLOCK, length - at)), at);
                }
                return new Made(made.name(), file, file.map(FileChannel.MapMode.READ_WRITE, 0, length));
            } catch (IOException e) {
                fault += (fault.isEmpty() ? "" : "; ") + place + ": " + IoReason.of(e);
                close(file);
            }
        }
        throw new IllegalStateException("there is no room for " + length + " bytes that the ranks of a host share: "
                + fault);
    }

    private static ByteBuffer open(String name, int length) {
        try (FileChannel file = FileChannel.open(Path.of(name), StandardOpenOption.READ)) {
            return file.map(FileChannel.MapMode.READ_ONLY, 0, length);
        } catch (IOException e) {
            throw new IllegalStateException("this rank cannot open what another of its host shares with it, " + name
                    + ": " + IoReason.of(e), e);
        }
    }

    private static void close(@Nullable FileChannel file) {
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            // what is mapped stays
        }
    }
}
