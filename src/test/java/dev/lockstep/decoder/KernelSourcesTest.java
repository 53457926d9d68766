package dev.lockstep.decoder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.cuda.Kernel;
import dev.lockstep.cuda.KernelCompiler;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Ends;
import dev.lockstep.model.ModelConfig.Experts;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Routing;
import dev.lockstep.model.ModelConfig.Stored;
import dev.lockstep.model.Rope;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** All kernels compile for the GPUs that nobody here has, by nvcc, where that is installed. */
class KernelSourcesTest {
    private static final int MULTIPROCESSORS = 132;
    private static final int FIRST_WITH_FP8 = 89;

    @TempDir
    private Path directory;

    /** One source with its macros. */
    private record Unit(String source, List<String> definitions) {}

    /** Takes down what is to be compiled. */
    private static final class Recorder extends KernelCompiler {
        private final Set<Unit> units = new LinkedHashSet<>();
        private final Map<Unit, List<String>> names = new HashMap<>();

        Recorder(int architecture) {
            super(Path.of("none"), architecture);
        }

        @Override
        public boolean hasWarpgroups() {
            return architecture() == 90;
        }

        @Override
        public @Nullable Kernel kernel(String source, List<String> definitions, String name, int threads) {
            Unit unit = new Unit(source, List.copyOf(definitions));
            units.add(unit);
            names.computeIfAbsent(unit, any -> new ArrayList<>()).add(name);
            return null; // which nobody launches
        }

        @Override
        public @Nullable Kernel overlapping(String source, List<String> definitions, String name, int threads,
                int sharedBytes) {
            return kernel(source, definitions, name, threads);
        }
    }

    @ParameterizedTest(name = "sm_{0}")
    @LongRun(butFor = 3)
    @ValueSource(ints = {80, 89, 90, 100})
    void kernels_compileFor(int architecture) throws Exception {
        Path nvcc = Path.of(System.getenv().getOrDefault("CUDA_HOME", "/usr/local/cuda"), "bin", "nvcc");
        assumeTrue(Files.isExecutable(nvcc),
                nvcc + " is not installed: kernels are not compiled for sm_" + architecture);
        Recorder recorder = new Recorder(architecture);
        boolean fp8 = architecture >= FIRST_WITH_FP8;
        Norms all = new Norms(1e-6, true, true, QkNorm.ALL_HEADS, true, true);
        CudaKernels.compile(config(all, 2, null), DType.BFLOAT16, fp8, fp8, 2, true, recorder);
        CudaKernels.compile(config(Norms.before(1e-5).with(QkNorm.ALL_HEADS), 1, null), DType.FLOAT32, false, false, 1,
                false, recorder);
        new CudaSampler(null, 1500, new PeerRows(0, 0, 2, 0), recorder);
        new Int4Products(null, config(Norms.before(1e-5), 0, null), DType.BFLOAT16, recorder);
        for (ExpertWeights weights : ExpertWeights.values()) {
            new CudaExperts(null,
                    config(Norms.before(1e-5), 1,
                            new Experts(32, 768, Routing.softmax(4, true), weights.bits() == 8 ? 512 : 0, true,
                                    false, false, false, false, false, Set.of(0))),
                    DType.BFLOAT16, weights, false, recorder);
        }
        CudaKernels.compile(config(Norms.before(1e-5).with(QkNorm.EACH_HEAD_ITS_OWN), 1, Activation.XIELU_ALONE, null),
                DType.FLOAT16, false, false, 1, false, recorder);
        FewProducts.of(DType.BFLOAT16, MULTIPROCESSORS, recorder);
        Map<String, String> failed = new ConcurrentHashMap<>();
        List<Unit> units = List.copyOf(recorder.units);
        IntStream.range(0, units.size()).parallel().forEach(i -> {
            String said = compile(nvcc, architecture, units.get(i), directory.resolve(i + ".cu"));
            if (!said.isEmpty()) {
                failed.put(recorder.names.get(units.get(i)) + " " + units.get(i).definitions, said);
            }
        });
        assertThat(failed).isEmpty();
        assertThat(units).hasSizeGreaterThan(20);
    }

    /** What the compiler has to say against it. */
    private static String compile(Path nvcc, int architecture, Unit unit, Path file) {
        try {
            Files.writeString(file, unit.source);
            List<String> command = new ArrayList<>(
                    List.of(nvcc.toString(), "-cubin", "-arch=sm_" + architecture + (architecture == 90 ? "a" : ""),
                            "-std=c++17", "-o", file + "bin", file.toString(),
                            // fast, since nobody runs it
                            "-Xcicc", "-O0", "-Xptxas", "-O0"));
            unit.definitions.forEach(definition -> command.add("-D" + definition));
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes());
            return process.waitFor() == 0 ? "" : said + " ";
        } catch (IOException | InterruptedException e) {
            return e.toString();
        }
    }

    private static ModelConfig config(Norms norms, int layers, @Nullable Experts experts) {
        return config(norms, layers, Activation.SILU, experts);
    }

    private static ModelConfig config(Norms norms, int layers, Activation activation, @Nullable Experts experts) {
        return new ModelConfig("llama", 512, 8, 2, 64, 800, 1500, 4096, false, true, true, true, Stored.plain(false),
                norms, Attention.alike(layers, 64, 0, new Rope(10000, 64)), 1, 30, activation, DType.BFLOAT16,
                experts, Ends.NONE);
    }
}
