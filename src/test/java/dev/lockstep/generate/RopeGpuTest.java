package dev.lockstep.generate;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.torch.Device;

/** The stretched contexts on a GPU. */
@GpuTest
class RopeGpuTest {
    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.lockstep.generate.RopeTest#names")
    void generate_stretchedContext_equalsTransformersForEveryBatchSize(String name, @TempDir Path scratch)
            throws IOException {
        RopeTest.equalsTransformers(name, scratch, new Device("cuda:0"));
    }
}
