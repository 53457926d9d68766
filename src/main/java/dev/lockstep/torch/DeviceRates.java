package dev.lockstep.torch;

import java.util.List;
import java.util.function.IntToLongFunction;

/**
 * What a device does at most, as it is measured.
 *
 * @param bytesPerSecond      read and written, of a copy within its memory
 * @param operationsPerSecond multiplications and additions of a product of large matrices
 */
public record DeviceRates(double bytesPerSecond, double operationsPerSecond) {
    /**
     * Measures them, in about a second.
     *
     * @param type of the matrices
     * @throws OutOfDeviceMemoryException unless 8 GB of a GPU, or 2 GB of memory, are free
     */
    public static DeviceRates measure(Device device, ScalarType type) {
        boolean cpu = device.isCpu();
        try (TorchScriptProgram program = TorchScriptProgram.load(DeviceRates.class, "Rates",
                List.of("rates.torchscript"))) {
            double bytes = perSecond(cpu ? 2 : 40,
                    times -> program.integer("copy", device.name(), cpu ? 1 : 4, times));
            program.integer("free");
            double operations = perSecond(cpu ? 2 : 40, times -> program.integer("multiply", device.name(),
                    type, cpu ? 1024 : 8192, times));
            return new DeviceRates(bytes, operations);
        }
    }

    /** Of the better of two runs, the first of which may find the device cold. */
    private static double perSecond(int times, IntToLongFunction work) {
        double best = 0;
        for (int run = 0; run < 2; run++) {
            long start = System.nanoTime();
            long done = work.applyAsLong(times);
            best = Math.max(best, done / ((System.nanoTime() - start) / 1e9));
        }
        return best;
    }
}
