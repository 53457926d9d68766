package dev.lockstep.decoder;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.shard.Shard;
import dev.lockstep.fixtures.Golden;
import dev.lockstep.fixtures.GpuTest;
import dev.lockstep.model.DType;
import dev.lockstep.torch.Device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Experts in mxfp4, as GPT-OSS has them, against the numbers that they stand for, which bfloat16 holds exactly. */
class Mxfp4Test {
    /** What e2m1 stands for by the format's description: a sign, two bits of exponent, one of mantissa. */
    private static final double[] VALUES = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    private static final int BLOCK = 32;

    @TempDir
    private Path temp;

    /** A checkpoint that is being written. */
    private static final class Written {
        private final ObjectNode header = new ObjectMapper().createObjectNode();
        private final ByteArrayOutputStream data = new ByteArrayOutputStream();

        void add(String name, String dtype, int[] shape, byte[] bytes) {
            ObjectNode entry = header.putObject(name).put("dtype", dtype);
            for (int size : shape) {
                entry.withArray("shape").add(size);
            }
            entry.withArray("data_offsets").add(data.size()).add(data.size() + bytes.length);
            data.writeBytes(bytes);
        }

        void to(Path file) throws IOException {
            byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
            ByteBuffer all = ByteBuffer.allocate(8 + json.length + data.size()).order(ByteOrder.LITTLE_ENDIAN);
            Files.write(file, all.putLong(json.length).put(json).put(data.toByteArray()).array());
        }
    }

    @Test
    void firstLogits_areThoseOfTheNumbers() throws IOException {
        Both both = both();
        assertThat(both.packed.quantization()).hasValue("mxfp4 mxfp4");
        float[][] expected = logits(both.plain, Device.CPU, DType.FLOAT32);
        assertClose(logits(both.packed, Device.CPU, DType.FLOAT32), expected);
        float[][] unquantized = logits(Checkpoint.open(Golden.checkpoint("family/gpt_oss")), Device.CPU,
                DType.FLOAT32);
        assertThat(GoldenRows.error(unquantized, expected)).isBetween(0.01, 0.5);
    }

    /** As on a GPU, of a rank that has all of it or a half. */
    @ParameterizedTest
    @CsvSource({"0, 1, MXFP4, 1e-5", "0, 2, MXFP4, 1e-5", "1, 2, MXFP4, 1e-5", "0, 1, FP8, 0.06", "1, 2, FP8, 0.06"})
    void firstLogits_ofExpertsKeptInFewerBits_areThoseOfTheNumbers(int rank, int ranks, ExpertWeights kept, double most)
            throws IOException {
        Both both = both();
        float[] expected = logits(both.plain, Shard.of(both.plain.config(), rank, ranks), ExpertWeights.WIDE);
        float[] computed = logits(kept == ExpertWeights.MXFP4 ? both.packed : both.plain,
                Shard.of(both.plain.config(), rank, ranks), kept);
        assertThat(GoldenRows.error(new float[][]{computed}, new float[][]{expected})).isLessThan(most);
        if (kept == ExpertWeights.FP8) {
            assertThat(computed).isNotEqualTo(expected);
        }
    }

    @GpuTest
    @Test
    void firstLogits_onAGpu_areThoseOfTheNumbers() throws IOException {
        Both both = both();
        Device device = Device.ofRank("cuda");
        float[][] expected = logits(both.plain, device, DType.BFLOAT16);
        assertThat(GoldenRows.error(logits(both.packed, device, DType.BFLOAT16), expected)).isLessThan(0.02);
    }

    private static float[] logits(Checkpoint checkpoint, Shard shard, ExpertWeights kept) {
        int[] prompt = Golden.ints(Golden.expected("family/gpt_oss").get("cases").get(0).get("prompt_ids"));
        DecoderAllocation room = new DecoderAllocation(1, 64);
        RowSampling greedy = new RowSampling(true, 1, 0, 1, 0, 1, 0, new int[0], 0);
        try (DecoderProgram program = DecoderProgram.load(Device.CPU)) {
            program.configure(shard, DType.FLOAT32, Device.CPU);
            program.useExperts(kept);
            new CheckpointWeights(program, checkpoint, shard, Device.CPU, DType.FLOAT32, Acceleration.Weights.WIDE)
                    .place(bytes -> {
                    });
            KvCache cache = new KvCache(program, shard.part(), DType.FLOAT32, false, null);
            cache.allocate(room);
            program.allocateSlots(room, shard.part().vocabulary());
            cache.ledger().extend(0, 0, prompt.length);
            cache.flush();
            program.prefill(List.of(new Admission(0, prompt, greedy)), 1);
            return program.firstLogits()[0];
        }
    }

    /** The same weights in 4 bits and in bfloat16. */
    private record Both(Checkpoint packed, Checkpoint plain) {}

    private Both both() throws IOException {
        Path golden = Golden.checkpoint("family/gpt_oss");
        Path packed = Files.createDirectories(temp.resolve("packed"));
        Path plain = Files.createDirectories(temp.resolve("plain"));
        ObjectNode config = (ObjectNode) new ObjectMapper().readTree(golden.resolve("config.json").toFile());
        Files.writeString(plain.resolve("config.json"), config.toString());
        config.putObject("quantization_config").put("quant_method", "mxfp4");
        Files.writeString(packed.resolve("config.json"), config.toString());
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(golden.resolve("model.safetensors")))
                .order(ByteOrder.LITTLE_ENDIAN);
        int headerBytes = (int) file.getLong(0);
        JsonNode header = new ObjectMapper().readTree(file.array(), 8, headerBytes);
        Written inFour = new Written();
        Written inSixteen = new Written();
        List<String> names = new ArrayList<>();
        header.fieldNames().forEachRemaining(names::add);
        names.remove("__metadata__");
        for (String name : names) {
            JsonNode entry = header.get(name);
            int[] shape = Golden.ints(entry.get("shape"));
            int begin = 8 + headerBytes + entry.get("data_offsets").get(0).asInt();
            byte[] bytes = new byte[entry.get("data_offsets").get(1).asInt()
                    - entry.get("data_offsets").get(0).asInt()];
            file.get(begin, bytes);
            if (name.endsWith("gate_up_proj") || name.endsWith("down_proj")) {
                quantize(name, shape, bytes, inFour, inSixteen);
            } else {
                inFour.add(name, entry.get("dtype").asText(), shape, bytes);
                inSixteen.add(name, entry.get("dtype").asText(), shape, bytes);
            }
        }
        inFour.to(packed.resolve("model.safetensors"));
        inSixteen.to(plain.resolve("model.safetensors"));

        return new Both(Checkpoint.open(packed), Checkpoint.open(plain));
    }

    private static void assertClose(float[][] actual, float[][] expected) {
        for (int row = 0; row < expected.length; row++) {
            assertThat(actual[row]).containsExactly(expected[row], within(1e-5f));
        }
    }

    private static float[][] logits(Checkpoint checkpoint, Device device, DType dtype) {
        JsonNode cases = Golden.expected("family/gpt_oss").get("cases");
        try (Decoder decoder = Decoder.load(checkpoint, device, dtype, Acceleration.FULL)) {
            return decoder.firstLogits(GoldenRows.admissions(decoder, cases));
        }
    }

    /** Of bfloat16 [experts, in, out] those of e2m1 that are nearest, with a power of 2 for 32 of them along in. */
    private static void quantize(String name, int[] shape, byte[] bytes, Written packed, Written plain) {
        int experts = shape[0];
        int in = shape[1];
        int out = shape[2];
        ByteBuffer values = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer numbers = ByteBuffer.allocate(bytes.length).order(ByteOrder.LITTLE_ENDIAN);
        byte[] blocks = new byte[experts * out * in / 2];
        byte[] scales = new byte[experts * out * in / BLOCK];
        for (int row = 0; row < experts * out; row++) {
            int expert = row / out;
            for (int block = 0; block < in / BLOCK; block++) {
                int[] places = new int[BLOCK];
                double largest = 0;
                for (int i = 0; i < BLOCK; i++) {
                    places[i] = ((expert * in) + block * BLOCK + i) * out + row % out;
                    largest = Math.max(largest, Math.abs(bfloat16(values.getShort(2 * places[i]))));
                }
                int exponent = Math.getExponent(largest / 6) + 1;
                scales[row * (in / BLOCK) + block] = (byte) (exponent + 127);
                for (int i = 0; i < BLOCK; i++) {
                    double value = bfloat16(values.getShort(2 * places[i])) * Math.pow(2, -exponent);
                    int nearest = 0;
                    for (int code = 1; code < VALUES.length; code++) {
                        if (Math.abs(VALUES[code] - Math.abs(value)) < Math.abs(VALUES[nearest] - Math.abs(value))) {
                            nearest = code;
                        }
                    }
                    int code = nearest + (value < 0 ? 8 : 0);
                    blocks[(row * in + block * BLOCK + i) / 2] |= (byte) (i % 2 == 0 ? code : code << 4);
                    float number = (float) (Math.copySign(VALUES[nearest], value) * Math.pow(2, exponent));
                    numbers.putShort(2 * places[i], (short) (Float.floatToIntBits(number) >>> 16));
                }
            }
        }
        packed.add(name + "_blocks", "U8", new int[]{experts, out, in / BLOCK, BLOCK / 2}, blocks);
        packed.add(name + "_scales", "U8", new int[]{experts, out, in / BLOCK}, scales);
        plain.add(name, "BF16", shape, numbers.array());
    }

    private static float bfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
