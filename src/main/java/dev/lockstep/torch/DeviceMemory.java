package dev.lockstep.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

import com.sun.jna.Function;
import com.sun.jna.ptr.LongByReference;
import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.LoadedLibrary;

/**
 * The memory of a device. Of a GPU, the calling thread's current one is asked.
 *
 * <p>libtorch counts peaks, but in an allocator whose members it does not export, so a GPU's peak is the largest of the
 * {@linkplain #sample samples}. One after each call that allocates misses little: what libtorch has once taken from the
 * GPU it keeps, in use or not, until it runs out. Not safe for use by several threads.
 */
public final class DeviceMemory {
    /** What a GPU's driver says, in bytes, of all processes together. */
    record Reading(long free, long used) {}

    private final @Nullable Supplier<Reading> gpu; // null on CPU, where what JNA would unpack for it is not needed and may not fit
    private long peak;

    public DeviceMemory(Device device) {
        this(device.isCpu() ? null : new Driver());
    }

    DeviceMemory(@Nullable Supplier<Reading> gpu) {
        this.gpu = gpu;
    }

    /** Bytes that can be had now; on CPU what the system calls available. */
    public long free() {
        return gpu == null ? kilobytes("/proc/meminfo", "MemAvailable:") : gpu.get().free();
    }

    /** Bytes that can be had now where only this part of a GPU may be in use, from 0 to 1; on CPU {@link #free()}. */
    public long freeOf(double share) {
        if (gpu == null) {
            return free();
        }
        Reading now = gpu.get();
        return Math.max(0, Math.min(now.free, Math.round(share * (now.free + now.used)) - now.used));
    }

    /** Has {@link #peak} know of what is in use now; needless on CPU, where the system keeps the peak. */
    public void sample() {
        if (gpu != null) {
            peak = Math.max(peak, gpu.get().used());
        }
    }

    /**
     * The most bytes that were seen in use, now included: on CPU by this process, on a GPU by all that use it; 0 where
     * the system does not tell.
     */
    public long peak() {
        sample();
        return gpu == null ? kilobytes("/proc/self/status", "VmHWM:") : peak;
    }

    private static final class Driver implements Supplier<Reading> {
        private final LongByReference free = new LongByReference();
        private final LongByReference total = new LongByReference();
        private final Object[] arguments = {free, total};
        // null: not asked yet, when the driver may not have been loaded
        private @Nullable Function memory;

        @Override
        public Reading get() {
            Function call = memory;
            if (call == null) {
                call = LoadedLibrary.named("libcuda.so").getFunction("cuMemGetInfo_v2");
                memory = call;
            }
            int error = call.invokeInt(arguments);
            if (error != 0) {
                throw new IllegalStateException("cuMemGetInfo answers " + error);
            }
            return new Reading(free.getValue(), total.getValue() - free.getValue());
        }
    }

    private static long kilobytes(String file, String name) {
        try {
            for (String line : Files.readAllLines(Path.of(file))) {
                if (line.startsWith(name)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException e) {
            // a system without this file does not tell
        }
        return 0;
    }
}
