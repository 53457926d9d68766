package dev.lockstep.decoder;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.DType;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.torch.Device;
import dev.lockstep.torch.TorchScriptProgram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Quantized checkpoints against what transformers computed with the weights that they stand for. */
class QuantizedTest {
    private static final RowSampling GREEDY = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inFloat32_equalTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.FLOAT32)) {
            float[][] logits = decoder.firstLogits(admissions(decoder, cases));
            for (int row = 0; row < logits.length; row++) {
                assertThat(logits[row]).as("%s, prompt %d", form, row)
                        .containsExactly(Golden.floats(cases.get(row).get("first_logits")), within(1e-4f));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void step_greedyInFloat32_equalsTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.FLOAT32)) {
            int[] chosen = decoder.prefill(admissions(decoder, cases));
            for (int step = 0; step < cases.get(0).get("greedy_ids").size(); step++) {
                for (int row = 0; row < chosen.length; row++) {
                    assertThat(chosen[row]).as("%s, prompt %d, step %d", form, row, step)
                            .isEqualTo(cases.get(row).get("greedy_ids").get(step).asInt());
                }
                chosen = decoder.step(chosen.length, 1)[0];
            }
        }
    }

    /** What --dtype asks for is made of any form; in bfloat16 within the rounding of its 8 bits. */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void firstLogits_inBfloat16_areCloseToTransformers(String form) {
        JsonNode cases = Golden.expected(form).get("cases");
        try (Decoder decoder = load(form, DType.BFLOAT16)) {
            float[][] logits = decoder.firstLogits(admissions(decoder, cases));
            for (int row = 0; row < logits.length; row++) {
                assertThat(logits[row]).as("%s, prompt %d", form, row)
                        .containsExactly(Golden.floats(cases.get(row).get("first_logits")), within(0.15f));
            }
        }
    }

    /**
     * For fp8 products, which only a GPU has: what is in fp8 by row is kept to the bit, other forms are made fp8, whose
     * largest values are 32 of 448 apart.
     */
    @ParameterizedTest
    @MethodSource("dev.lockstep.fixtures.Golden#quantized")
    void weights_keptInFp8_areThoseOfTheCheckpoint(String form) {
        Checkpoint checkpoint = Checkpoint.open(Golden.checkpoint(form));
        for (String weight : List.of("qkv", "output", "gate_up", "down")) {
            int last = checkpoint.config().layers() - 1;
            float[][] wide = weight(checkpoint, weight, last, false);
            float[][] fp8 = weight(checkpoint, weight, last, true);
            for (int row = 0; row < wide.length; row++) {
                float largest = 0;
                for (float value : wide[row]) {
                    largest = Math.max(largest, Math.abs(value));
                }
                // wide ones are rounded to float16
                assertThat(fp8[row]).as("%s, row %d of %s", form, row, weight).containsExactly(wide[row],
                        within(largest * (checkpoint.isFp8ByRow() ? 1f / 2048 : 1f / 27)));
            }
        }
    }

    private static float[][] weight(Checkpoint checkpoint, String weight, int layer, boolean fp8) {
        List<String> parts = new ArrayList<>(DecoderProgram.PARTS);
        parts.add("weight-checks.torchscript");
        TorchScriptProgram program = TorchScriptProgram.load(Decoder.class, "Decoder", parts);
        try (DecoderProgram decoder = new DecoderProgram(program)) {
            decoder.configure(checkpoint.config(), DType.FLOAT16, Device.CPU);
            if (fp8) {
                decoder.useFp8();
            }
            new CheckpointWeights(decoder, checkpoint, Device.CPU, DType.FLOAT16, fp8).place(bytes -> {
            });
            return program.floats("weight_of", weight, layer);
        }
    }

    private static Decoder load(String form, DType dtype) {
        return Decoder.load(Checkpoint.open(Golden.checkpoint(form)), Device.CPU, dtype, Acceleration.FULL);
    }

    private static List<Admission> admissions(Decoder decoder, JsonNode cases) {
        List<Admission> rows = new ArrayList<>();
        for (JsonNode golden : cases) {
            rows.add(new Admission(rows.size(), Golden.ints(golden.get("prompt_ids")), GREEDY));
        }
        decoder.allocate(new DecoderAllocation(rows.size(), 64));
        return rows;
    }
}
