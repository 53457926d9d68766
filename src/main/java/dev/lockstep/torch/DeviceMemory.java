package dev.lockstep.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.sun.jna.ptr.LongByReference;

import dev.lockstep.djl.LoadedLibrary;

/**
 * Memory of a device at one moment.
 *
 * @param free  bytes that can be had; on CPU what the system calls available
 * @param used  bytes in use, by whomever; on CPU the most this process ever had resident
 */
public record DeviceMemory(long free, long used) {
    /**
     * @param device of GPUs the calling thread's current one
     */
    public static DeviceMemory of(Device device) {
        return device.isCpu()
                ? new DeviceMemory(kilobytes("/proc/meminfo", "MemAvailable:"),
                        kilobytes("/proc/self/status", "VmHWM:"))
                : gpu();
    }

    private static DeviceMemory gpu() {
        LongByReference free = new LongByReference();
        LongByReference total = new LongByReference();
        int error = LoadedLibrary.named("libcuda.so").getFunction("cuMemGetInfo_v2")
                .invokeInt(new Object[]{free, total});
        if (error != 0) {
            throw new IllegalStateException("cuMemGetInfo answers " + error);
        }
        return new DeviceMemory(free.getValue(), total.getValue() - free.getValue());
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
