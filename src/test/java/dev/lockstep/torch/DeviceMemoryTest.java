package dev.lockstep.torch;

import java.util.List;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DeviceMemoryTest {
    private static DeviceMemory gpu(long... used) {
        List<DeviceMemory.Reading> readings = LongStream.of(used)
                .mapToObj(bytes -> new DeviceMemory.Reading(100 - bytes, bytes)).toList();
        return new DeviceMemory(readings.iterator()::next);
    }

    @Test
    void peak_gpu_isTheLargestSample() {
        DeviceMemory memory = gpu(30, 80, 50, 40, 90);
        memory.sample();
        memory.sample();
        memory.sample();
        assertThat(memory.peak()).isEqualTo(80);
        assertThat(memory.peak()).as("that of the moment included").isEqualTo(90);
    }

    @Test
    void free_gpu_isThatOfTheMoment() {
        DeviceMemory memory = gpu(30, 80, 50);
        assertThat(memory.free()).isEqualTo(70);
        assertThat(memory.free()).isEqualTo(20);
        assertThat(memory.peak()).isEqualTo(50);
    }

    /** Others may use the GPU too, and what they use counts. */
    @Test
    void freeOf_gpu_leavesTheRestOfItAlone() {
        DeviceMemory memory = gpu(30, 30, 80);
        assertThat(memory.freeOf(1)).isEqualTo(70);
        assertThat(memory.freeOf(0.9)).isEqualTo(60);
        assertThat(memory.freeOf(0.5)).isZero();
    }

    /** Which has been let go of since. */
    @Test
    void peak_cpu_holdsWhatTheProcessOnceTook() {
        DeviceMemory memory = new DeviceMemory(Device.CPU);
        long before = memory.peak();
        assertThat(before).isGreaterThan(10_000_000);
        assertThat(memory.free()).isPositive();
        memory.sample();
        assertThat(memory.peak()).isGreaterThanOrEqualTo(before);
    }
}
