package dev.lockstep.device;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.fixtures.DeviceCollectivesProgram;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;

/** Arrays on CPU, between ranks that are threads. */
@Timeout(300)
class DeviceCollectivesTest {
    private static NDManager manager() {
        return DjlLibraries.load(() -> Engine.getEngine("PyTorch")).newBaseManager(Device.cpu());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void everyVerbTypeAndCount_isAsTheWorldsOwn(int ranks) {
        Worlds.each(ranks, world -> {
            try (NDManager manager = manager()) {
                assertThat(DeviceCollectivesProgram.check(world, manager)).isGreaterThan(1000);
            }
        });
    }
}
