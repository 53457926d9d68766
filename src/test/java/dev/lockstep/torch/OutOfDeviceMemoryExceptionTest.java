package dev.lockstep.torch;

import ai.djl.engine.EngineException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class OutOfDeviceMemoryExceptionTest {
    @ParameterizedTest
    @ValueSource(strings = {"CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB",
            "CUDA error: out of memory", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"})
    void of_libtorchsWordsForWantOfMemory(String words) {
        EngineException failure = new EngineException(words);
        assertThat(OutOfDeviceMemoryException.of(failure)).isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessage(words).hasCause(failure);
    }

    @Test
    void of_anotherFailure_isThatFailure() {
        EngineException failure = new EngineException("CUDA error: device-side assert triggered");
        assertThat(OutOfDeviceMemoryException.of(failure)).isSameAs(failure);
        EngineException mute = new EngineException((String) null);
        assertThat(OutOfDeviceMemoryException.of(mute)).isSameAs(mute);
    }
}
