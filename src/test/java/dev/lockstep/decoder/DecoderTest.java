package dev.lockstep.decoder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import ai.djl.engine.EngineException;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.StoredType;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingColumns;
import dev.lockstep.decoder.shard.Replica;
import dev.lockstep.family.Families;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.ProcessStatus;
import dev.lockstep.fixtures.RandomCheckpoint;
import dev.lockstep.fixtures.SafetensorsFile;
import dev.lockstep.model.DType;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.Rope;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.OutOfDeviceMemoryException;
import dev.lockstep.torch.ScalarType;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** The decoder's program against what transformers computed. */
class DecoderTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void firstLogits_tenPromptsPacked_equalTransformers(String family) {
        JsonNode cases = Golden.expected(family).get("cases");
        try (Decoder decoder = Decoder.load(Checkpoint.open(Golden.checkpoint(family)), Device.CPU, DType.FLOAT32,
                Acceleration.FULL)) {
            List<Admission> rows = new ArrayList<>();
            for (JsonNode golden : cases) {
                rows.add(new Admission(rows.size(), Golden.ints(golden.get("prompt_ids")), GREEDY));
            }
            decoder.allocate(new DecoderAllocation(rows.size(), 128));
            float[][] logits = decoder.firstLogits(rows);
            for (int row = 0; row < logits.length; row++) {
                for (JsonNode top : cases.get(row).get("first_logits_top8")) {
                    assertThat(logits[row][top.get(0).asInt()]).as("%s, prompt %d, token %s", family, row, top.get(0))
                            .isEqualTo(top.get(1).floatValue(), within(1e-3f));
                }
            }
        }
    }

    /** Within 1% as measured; an operation that mixes types would fail, a norm left out be far off. */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#checkpoints")
    void firstLogits_bfloat16_areCloseToTransformers(String family) {
        JsonNode golden = Golden.expected(family).get("cases").get(0);
        float[] logits = firstLogits(Checkpoint.open(Golden.checkpoint(family)), DType.BFLOAT16,
                Golden.ints(golden.get("prompt_ids")));
        float most = golden.get("first_logits_top8").get(0).get(1).floatValue();
        for (JsonNode top : golden.get("first_logits_top8")) {
            assertThat(logits[top.get(0).asInt()]).as("%s, token %s", family, top.get(0))
                    .isEqualTo(top.get(1).floatValue(), within(0.03f * most));
        }
    }

    /** 160 MB each time, of which nobody could close the decoder that was not made. */
    @Test
    void load_thatFails_givesItsMemoryBack(@TempDir Path scratch) throws IOException {
        RandomCheckpoint.main(scratch.toString(), "layers=2", "hidden=1024", "heads=8", "dtype=bfloat16");
        Checkpoint checkpoint = Checkpoint.open(scratch);
        long before = 0;
        for (int round = 0; round < 6; round++) {
            assertThatThrownBy(() -> Decoder.load(checkpoint, Device.CPU, DType.FLOAT32, Acceleration.FULL,
                    Replica.ALONE, bytes -> {
                        if (bytes >= checkpoint.bytes()) {
                            throw new ModelException("enough");
                        }
                    })).isInstanceOf(ModelException.class).hasMessage("enough");
            before = round == 0 ? ProcessStatus.kilobytes("VmRSS") : before;
        }
        assertThat(ProcessStatus.kilobytes("VmRSS") - before).isLessThan(checkpoint.bytes() * 4 >> 10);
    }

    /** In one layer q is float32 and k and v are not, in another all are: any mixture computes the same. */
    @Test
    void firstLogits_mixedTypes_equalTransformers(@TempDir Path scratch) throws IOException {
        Checkpoint mixed = widened(scratch.resolve("mixed"),
                name -> name.contains("layers.1.") || name.endsWith("layers.0.self_attn.q_proj.weight"));
        assertThat(mixed.tensors().values()).extracting(TensorRef::type).contains(StoredType.F32, StoredType.BF16);
        int[] prompt = Golden.ints(Golden.expected("llama-gqa-bfloat16").get("cases").get(0).get("prompt_ids"));
        // both have tensors that need no conversion, so neither's are packed, and no bit may differ
        assertThat(firstLogits(mixed, DType.FLOAT32, prompt))
                .isEqualTo(firstLogits(widened(scratch.resolve("wide"), name -> true), DType.FLOAT32, prompt));
        assertThat(firstLogits(mixed, DType.BFLOAT16, prompt)).isEqualTo(
                firstLogits(Checkpoint.open(Golden.checkpoint("llama-gqa-bfloat16")), DType.BFLOAT16, prompt));
    }

    /** A copy of the bfloat16 checkpoint with these tensors in float32. */
    private static Checkpoint widened(Path parent, Predicate<String> names) throws IOException {
        Path copy = Golden.copy("llama-gqa-bfloat16", parent);
        try (Stream<Path> files = Files.list(copy)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".safetensors")).toList()) {
                SafetensorsFile stored = SafetensorsFile.read(file);
                stored.widen(names);
                stored.write();
            }
        }
        return Checkpoint.open(copy);
    }

    private static float[] firstLogits(Checkpoint checkpoint, DType dtype, int[] prompt) {
        try (Decoder decoder = Decoder.load(checkpoint, Device.CPU, dtype, Acceleration.FULL)) {
            decoder.allocate(new DecoderAllocation(1, 64));
            return decoder.firstLogits(List.of(new Admission(0, prompt, GREEDY)))[0];
        }
    }

    @Test
    void probabilities_everyProcessor_equalTransformers() {
        try (TorchScriptProgram program = SamplerPair.program()) {
            TorchScriptProgram.withoutOptimizer();
            for (JsonNode golden : Golden.json("sampling.json").get("cases")) {
                RowSampling settings = new RowSampling(false, golden.get("temperature").asDouble(),
                        golden.get("top_k").asInt(), golden.get("top_p").asDouble(), golden.get("min_p").asDouble(),
                        golden.get("repetition_penalty").asDouble(), 0, new int[0], 0);
                float[][] probabilities = program.floats("probabilities_of",
                        new float[][]{Golden.floats(golden.get("logits"))},
                        IntStream.of(Golden.ints(golden.get("history"))).asLongStream().toArray(), new long[0],
                        SamplingColumns.floats(List.of(settings)), SamplingColumns.ints(List.of(settings)));
                assertThat(probabilities[0]).as("%s", settings).containsExactly(Golden.floats(golden.get("probs")),
                        within(1e-5f));
            }
        }
    }

    /** SplittableRandom is the JDK's own SplitMix64: with seed s its first long is what our hash makes of s. */
    @Test
    void uniforms_anyKeyAndStep_areSplitMix64OfKeyStepAndToken() {
        try (TorchScriptProgram program = SamplerPair.program()) {
            TorchScriptProgram.withoutOptimizer();
            for (long key : new long[]{0, 1, -1, Long.MIN_VALUE, 0x123456789abcdefL}) {
                for (int step : new int[]{0, 1, 99}) {
                    float[] uniforms = program.floats("uniforms_of", key, step, 300)[0];
                    long row = new SplittableRandom(key + step * 0x9e3779b97f4a7c15L).nextLong();
                    for (int token = 0; token < uniforms.length; token++) {
                        long bits = new SplittableRandom(row + token * 0x9e3779b97f4a7c15L).nextLong() >>> 41;
                        assertThat(uniforms[token]).isEqualTo((bits + 0.5f) / (1 << 23));
                    }
                }
            }
        }
    }

    /** Tables are as long as slots are, and no bit of them depends on that. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 100, 333, 1025})
    void tables_ofAnyLength_areTheBeginningOfALongerOne(int positions) {
        Rope rope = new Rope(10_000, 12);
        try (TorchScriptProgram program = SamplerPair.program()) {
            program.integer("configure", 1, 1, 12, ScalarType.FLOAT32, "cpu");
            program.integer("add_rotary", rope.inverseFrequencies(), new double[0], 1.0, rope.theta(), 0.0, 1.0);
            for (String table : List.of("cos", "sin")) {
                program.integer("make_tables", 5000);
                float[][] longer = program.floats("rotary_table", table, 0);
                assertThat(longer).hasDimensions(5000, 6);
                assertThat(longer[3][0]).isEqualTo((float) (table.equals("cos") ? Math.cos(3) : Math.sin(3)),
                        within(1e-6f));
                program.integer("allocate_cache", 2, positions, 2, positions, new long[1], new long[1], 1);
                assertThat(program.floats("rotary_table", table, 0)).isDeepEqualTo(Arrays.copyOf(longer, positions));
            }
        }
    }

    /** Weights that are packed give what weights in rows give, but for rounding; a bias is added to either. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-mha-bias", "qwen2", "phi3", "gemma2"})
    void firstLogits_packedWeights_equalMappedOnes(String family, @TempDir Path scratch) throws IOException {
        ModelConfig config = Families.read(Golden.checkpoint(family)).withDtype(DType.BFLOAT16);
        for (String name : List.of("packed", "mapped")) {
            RandomCheckpoint.write(scratch.resolve(name), config, RandomCheckpoint.Layout.PLAIN);
        }
        SafetensorsFile file = SafetensorsFile.read(scratch.resolve("mapped/model.safetensors"));
        file.widen(name -> true);
        file.write();
        int[] prompt = Golden.ints(Golden.expected(family).get("cases").get(0).get("prompt_ids"));
        assertThat(firstLogits(Checkpoint.open(scratch.resolve("packed")), DType.FLOAT32, prompt)).containsExactly(
                firstLogits(Checkpoint.open(scratch.resolve("mapped")), DType.FLOAT32, prompt), within(1e-4f));
    }

    /** Without them products are slower, which nothing else would show. */
    @Test
    void cpuFunctions_fitThisLibtorch() {
        try (TorchScriptProgram program = TorchScriptProgram.load(Decoder.class, "Decoder", DecoderProgram.PARTS,
                "cpu.torchscript")) {
            assertThat(program.integer("free_cache")).isZero();
        }
    }

    /**
     * The functions for CUDA must fit into the program wherever it is loaded. This CPU's libtorch may or may not know
     * the operations in them; then the engine says so, and the decoder does without.
     */
    @Test
    void cudaFunctions_replaceFunctionsOfTheProgram() {
        try (TorchScriptProgram program = TorchScriptProgram.load(Decoder.class, "Decoder", DecoderProgram.PARTS,
                "cuda.torchscript")) {
            assertThat(program.integer("free_cache")).isZero();
        } catch (EngineException e) {
            assertThat(e).hasMessageContaining("Arguments for call are not valid");
        }
        assertThatThrownBy(() -> TorchScriptProgram.load(Decoder.class, "Decoder", List.of("decoder.torchscript"),
                "cuda.torchscript"))
                        .hasMessageContaining("no function rms_norm to replace");
    }

    /** No address space holds a petabyte. */
    @Test
    void moreThanMemoryHolds_isAnExceptionOfItsOwn() {
        try (Decoder decoder = Decoder.load(Checkpoint.open(Golden.checkpoint("llama-gqa")), Device.CPU,
                DType.FLOAT32, Acceleration.FULL)) {
            assertThatThrownBy(() -> decoder.allocate(new DecoderAllocation(1 << 20, 1 << 30)))
                    .isInstanceOf(OutOfDeviceMemoryException.class)
                    .hasMessageContaining("can't allocate memory");
        }
    }

    /** Of two the engine would take one and say nothing. */
    @Test
    void partsWithAFunctionOfTheSameName_areRefused() {
        assertThatThrownBy(() -> TorchScriptProgram.load(Decoder.class, "Decoder",
                List.of("sampling.torchscript", "layers.torchscript", "cpu.torchscript")))
                        .hasMessageContaining("two functions packed");
    }
}
