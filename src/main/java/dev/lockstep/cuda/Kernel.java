package dev.lockstep.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;

/** A kernel of our own: compiled code and the number of threads it runs with. Not safe for use by several threads. */
public final class Kernel {
    private static final int MOST_ARGUMENTS = 28;

    private final String name;
    private final Pointer function;
    private final Memory configuration;
    private final Memory values = new Memory(8L * MOST_ARGUMENTS);
    private final Memory addresses = new Memory(8L * MOST_ARGUMENTS);

    /**
     * @param cubin       what {@link KernelCompiler} made
     * @param name        the kernel's name there
     * @param threads     threads of a block
     * @param sharedBytes of shared memory, besides what it names itself
     * @param overlaps    it waits itself for the kernels before it
     */
    Kernel(byte[] cubin, String name, int threads, int sharedBytes, boolean overlaps) {
        this.name = name;
        this.function = CudaDriver.function(cubin, name);
        this.configuration = CudaDriver.configuration(threads, sharedBytes, overlaps);
        if (sharedBytes > 0) {
            CudaDriver.allowShared(function, sharedBytes);
        }
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            addresses.setPointer(8L * i, values.share(8L * i));
        }
    }

    /**
     * Hands it to the GPU, or to the recording that is under way on the stream.
     *
     * @param x         blocks in each direction: x, y, z
     * @param arguments Long for an address or a 64-bit integer, Integer, Float
     */
    public void launch(Pointer stream, int x, int y, int z, Object... arguments) {
        launchAs(name, 0, 0, stream, x, y, z, arguments);
    }

    /**
     * {@link #launch} of what {@link Launches} are to know by another name.
     *
     * @param bytes      that it reads and writes
     * @param operations of a product, or 0
     */
    public void launchAs(String title, long bytes, long operations, Pointer stream, int x, int y, int z,
            Object... arguments) {
        if (!Launches.goes(title, bytes, operations)) {
            return;
        }
        for (int i = 0; i < arguments.length; i++) {
            if (arguments[i]instanceof Long wide) {
                values.setLong(8L * i, wide);
            } else if (arguments[i]instanceof Integer narrow) {
                values.setInt(8L * i, narrow);
            } else {
                values.setFloat(8L * i, (Float) arguments[i]);
            }
        }
        CudaDriver.launch(configuration, function, x, y, z, stream, addresses);
    }
}
