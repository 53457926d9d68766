package dev.lockstep.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.model.ModelConfig.Activation;
import dev.lockstep.model.ModelConfig.Attention;
import dev.lockstep.model.ModelConfig.Layer;
import dev.lockstep.model.ModelConfig.Llama3Scaling;
import dev.lockstep.model.ModelConfig.Norms;
import dev.lockstep.model.ModelConfig.QkNorm;
import dev.lockstep.model.ModelConfig.Rope;

/**
 * Writes checkpoints of any shape with random weights, in Hugging Face's format: for tests that need an odd one and for
 * measurements that need a big one. Streams, so that the heap does not grow with the model.
 *
 * <pre>
 * RandomCheckpoint.main("/tmp/one-gigabyte", "layers=16", "hidden=2048", "heads=32", "kvHeads=8", "dtype=bfloat16")
 * </pre>
 */
public final class RandomCheckpoint {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final List<String> OPTIONS = List.of("family", "layers", "hidden", "heads", "kvHeads", "headDim",
            "intermediate", "vocabulary", "contextLength", "tied", "dtype", "seed", "files", "odd");

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final long seed;
    private final DType dtype;

    private RandomCheckpoint(long seed, DType dtype) {
        this.seed = seed;
        this.dtype = dtype;
    }

    /**
     * How the weights are spread over files.
     *
     * @param seed      with a tensor's name fixes its values, whatever the number of files
     * @param files     1 for {@code model.safetensors}, more for shards with an index
     * @param oddOffset let the data of each file begin at an odd byte, which the format allows
     */
    public record Layout(long seed, int files, boolean oddOffset) {
        public static final Layout PLAIN = new Layout(0, 1, false);
    }

    /** Arguments: the directory, then {@code name=value} for what should not be the default below. */
    public static void main(String... args) throws IOException {
        ObjectNode given = JsonFile.JSON.createObjectNode();
        for (String arg : Arrays.asList(args).subList(1, args.length)) {
            String[] pair = arg.split("=", 2);
            if (pair.length < 2 || !OPTIONS.contains(pair[0])) {
                throw new IllegalArgumentException(arg + ": expected name=value with a name of " + OPTIONS);
            }
            given.put(pair[0], pair[1]);
        }
        String family = given.path("family").asText("llama");
        int hidden = given.path("hidden").asInt(2048);
        int heads = given.path("heads").asInt(hidden / 64);
        int headDim = given.path("headDim").asInt(hidden / heads);
        ModelConfig config = new ModelConfig(family, hidden, heads, given.path("kvHeads").asInt(heads), headDim,
                given.path("intermediate").asInt(4 * hidden), given.path("vocabulary").asInt(4096),
                given.path("contextLength").asInt(8192), given.path("tied").asBoolean(false), family.equals("qwen2"),
                false, false, family.equals("phi3"),
                Norms.before(1e-5).with(family.equals("qwen3") ? QkNorm.EACH_HEAD : QkNorm.NONE),
                Attention.alike(given.path("layers").asInt(16), headDim, 0, new Rope(500000, headDim, 1, null)), 1, 0,
                Activation.SILU, DType.parse(given.path("dtype").asText("bfloat16")));
        write(Path.of(args[0]), config, new Layout(given.path("seed").asLong(0), given.path("files").asInt(1),
                given.path("odd").asBoolean(false)));
        System.out.println(args[0] + ": " + Checkpoint.open(Path.of(args[0])).bytes() + " bytes of weights");
    }

    /** Writes config.json, the weights, and the golden tokenizer, which has 4096 tokens. */
    public static void write(Path directory, ModelConfig config, Layout layout) throws IOException {
        Files.createDirectories(directory);
        JsonFile.JSON.writerWithDefaultPrettyPrinter().writeValue(directory.resolve("config.json").toFile(),
                json(config));
        Files.copy(Golden.FOLDER.resolve("tokenizer.json"), directory.resolve("tokenizer.json"),
                StandardCopyOption.REPLACE_EXISTING);
        List<ExpectedTensor> tensors = Checkpoint.expected(config);
        RandomCheckpoint writer = new RandomCheckpoint(layout.seed, config.dtype());
        ObjectNode index = JsonFile.JSON.createObjectNode();
        ObjectNode weightMap = index.putObject("weight_map");
        for (int i = 0; i < layout.files; i++) {
            String name = layout.files == 1
                    ? "model.safetensors"
                    : String.format("model-%05d-of-%05d.safetensors", i + 1, layout.files);
            List<ExpectedTensor> part = new ArrayList<>();
            for (int t = i; t < tensors.size(); t += layout.files) {
                part.add(tensors.get(t));
                weightMap.put(tensors.get(t).name(), name);
            }
            writer.writeFile(directory.resolve(name), part, layout.oddOffset);
        }
        if (layout.files > 1) {
            JsonFile.JSON.writeValue(directory.resolve("model.safetensors.index.json").toFile(), index);
        }
    }

    private static ObjectNode json(ModelConfig config) {
        ObjectNode json = JsonFile.JSON.createObjectNode().put("model_type", config.family())
                .put("num_hidden_layers", config.layers()).put("hidden_size", config.hidden())
                .put("num_attention_heads", config.heads()).put("num_key_value_heads", config.kvHeads())
                .put("head_dim", config.headDim()).put("intermediate_size", config.intermediate())
                .put("vocab_size", config.vocabulary()).put("max_position_embeddings", config.contextLength())
                .put("rms_norm_eps", config.norms().eps()).put("tie_word_embeddings", config.tiedEmbeddings())
                .put("attention_bias", config.outputBias()).put("mlp_bias", config.mlpBias())
                .put("dtype", config.dtype().toString()).put("eos_token_id", 1);
        List<Layer> layers = config.attention().layers();
        int window = layers.stream().mapToInt(Layer::window).max().orElse(0);
        json.put("use_sliding_window", window > 0).put("sliding_window", window > 0 ? window : null);
        ArrayNode types = json.putArray("layer_types");
        layers.forEach(layer -> types.add(layer.window() > 0 ? "sliding_attention" : "full_attention"));
        ArrayNode turning = json.putArray("no_rope_layers");
        layers.forEach(layer -> turning.add(layer.rope() == null ? 0 : 1));
        json.put("query_pre_attn_scalar", Math.round(Math.pow(config.attention().scale(), -2)))
                .put("attn_logit_softcapping", softcap(config.attention().softcap()))
                .put("final_logit_softcapping", softcap(config.finalSoftcap()));
        if (config.family().equals("gemma3_text")) {
            ObjectNode ropes = json.putObject("rope_parameters");
            for (Layer layer : layers) {
                ropes.set(layer.window() > 0 ? "sliding_attention" : "full_attention",
                        json(layer.rope(), config.headDim()));
            }
        } else {
            json.set("rope_parameters", json(layers.get(0).rope(), config.headDim()));
        }
        return json;
    }

    private static Double softcap(double softcap) {
        return softcap == 0 ? null : softcap;
    }

    private static ObjectNode json(Rope rope, int headDim) {
        ObjectNode json = JsonFile.JSON.createObjectNode().put("rope_theta", rope.theta())
                .put("partial_rotary_factor", (double) rope.width() / headDim);
        Llama3Scaling scaling = rope.scaling();
        if (scaling != null) {
            json.put("rope_type", "llama3").put("factor", scaling.factor())
                    .put("low_freq_factor", scaling.lowFrequencyFactor())
                    .put("high_freq_factor", scaling.highFrequencyFactor())
                    .put("original_max_position_embeddings", scaling.originalContextLength());
        } else if (rope.linearFactor() != 1) {
            json.put("rope_type", "linear").put("factor", rope.linearFactor());
        }
        return json;
    }

    private void writeFile(Path file, List<ExpectedTensor> tensors, boolean oddOffset) throws IOException {
        ObjectNode header = JsonFile.JSON.createObjectNode();
        long end = 0;
        for (ExpectedTensor tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name()).put("dtype", dtype.safetensorsName());
            entry.set("shape", JsonFile.JSON.valueToTree(tensor.shape()));
            long begin = end;
            end += elements(tensor) * dtype.bytes();
            entry.putArray("data_offsets").add(begin).add(end);
        }
        StringBuilder padded = new StringBuilder(header.toString());
        while (padded.length() % 8 != (oddOffset ? 1 : 0)) {
            padded.append(' ');
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer head = ByteBuffer.allocate(Long.BYTES + padded.length()).order(ByteOrder.LITTLE_ENDIAN);
            writeFully(channel, head.putLong(padded.length()).put(padded.toString().getBytes(StandardCharsets.US_ASCII))
                    .flip());
            for (ExpectedTensor tensor : tensors) {
                writeData(channel, tensor);
            }
        }
    }

    /** Uniform values of the spread that keeps activations near 1 through the layers; norms near 1, biases small. */
    private void writeData(FileChannel channel, ExpectedTensor tensor) throws IOException {
        int[] shape = tensor.shape();
        boolean norm = tensor.name().endsWith("norm.weight");
        double spread = shape.length == 1 ? 0.1 : Math.sqrt(3.0 / shape[1]);
        int[] encoded = new int[1 << 16];
        for (int i = 0; i < encoded.length; i++) {
            encoded[i] = encode((float) ((norm ? 1 : 0) + spread * (i / 32768.0 - 1)));
        }
        SplittableRandom random = new SplittableRandom(seed * 31 + tensor.name().hashCode());
        long bits = 0;
        long count = elements(tensor);
        for (long i = 0; i < count; i++) {
            bits = i % 4 == 0 ? random.nextLong() : bits >>> 16;
            int value = encoded[(int) bits & 0xffff];
            if (dtype.bytes() == 4) {
                buffer.putInt(value);
            } else {
                buffer.putShort((short) value);
            }
            if (!buffer.hasRemaining() || i == count - 1) {
                writeFully(channel, buffer.flip());
                buffer.clear();
            }
        }
    }

    private int encode(float value) {
        int bits = Float.floatToRawIntBits(value);
        return switch (dtype) {
            case FLOAT32 -> bits;
            case BFLOAT16 -> bits >>> 16;
            case FLOAT16 -> half(value, bits);
        };
    }

    /** Cut off, not rounded: random numbers do not mind. */
    private static int half(float value, int bits) {
        int sign = bits >>> 16 & 0x8000;
        int exponent = Math.getExponent(value) + 15;
        return exponent > 0
                ? sign | exponent << 10 | bits >>> 13 & 0x3ff
                : sign | (int) (Math.abs(value) * 0x1p24f);
    }

    private static long elements(ExpectedTensor tensor) {
        return Arrays.stream(tensor.shape()).asLongStream().reduce(1, (a, b) -> a * b);
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
