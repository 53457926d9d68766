package dev.lockstep.launch.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class GpuBindingTest {
    @TempDir
    private Path dev;

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "unset", textBlock = """
            ''               | ''
            0                | 0
            3,1              | 3 1
            ' 3 , 1 '        | 3 1
            GPU-8a,GPU-9b    | GPU-8a GPU-9b
            MIG-GPU-8a/1/0   | MIG-GPU-8a/1/0
            -1               | ''
            0,-1,1           | 0
            0,,1             | 0
            NoDevFiles       | NoDevFiles
            """)
    void detect_readsTheVariable(String variable, String expected) {
        List<String> entries = expected.isEmpty() ? List.of() : Arrays.asList(expected.split(" "));
        assertThat(GpuBinding.detect(variable, dev).visible()).isEqualTo(entries);
    }

    @Test
    void detect_countsDeviceFilesWhenTheVariableIsNotSet() throws IOException {
        assertThat(GpuBinding.detect(null, dev.resolve("none")).visible()).isEmpty();
        for (String name : List.of("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia0x")) {
            Files.createFile(dev.resolve(name));
        }
        assertThat(GpuBinding.detect(null, dev).visible()).containsExactly("0", "1", "2");
    }

    @Test
    void of_takesTheGpusInTurn() {
        GpuBinding binding = new GpuBinding(List.of("GPU-a", "GPU-b"));
        assertThat(List.of(binding.of(0), binding.of(1), binding.of(2), binding.of(5))).containsExactly("GPU-a",
                "GPU-b",
                "GPU-a", "GPU-b");
    }
}
