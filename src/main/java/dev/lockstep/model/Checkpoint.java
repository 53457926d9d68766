package dev.lockstep.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Hugging Face checkpoint directory, checked: whoever holds one has every tensor that the configuration calls for, in
 * its shape, in a type the decoder takes, within a file that is long enough. Only headers have been read, so opening
 * takes milliseconds whatever the model weighs, and a broken download shows before a rank starts to load it.
 */
public final class Checkpoint {
    private final Path directory;
    private final ModelConfig config;
    private final Map<String, TensorRef> tensors;
    private final GenerationDefaults generationDefaults;

    private Checkpoint(Path directory, ModelConfig config, Map<String, TensorRef> tensors,
            GenerationDefaults generationDefaults) {
        this.directory = directory;
        this.config = config;
        this.tensors = tensors;
        this.generationDefaults = generationDefaults;
    }

    /**
     * Reads {@code config.json}, {@code generation_config.json} where there is one, and the headers of
     * {@code model.safetensors} or of the shards that {@code model.safetensors.index.json} names.
     *
     * @throws ModelException at the first thing that is wrong; one sentence that names the file and the tensor
     */
    public static Checkpoint open(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new ModelException(directory + (Files.exists(directory) ? " is not a directory" : " does not exist")
                    + "; a checkpoint is a directory with config.json, tokenizer.json and *.safetensors.");
        }
        ModelConfig config = ModelConfig.read(directory);
        GenerationDefaults defaults = GenerationDefaults.read(directory, config.vocabulary());
        Map<String, TensorRef> tensors = matched(config, StoredTensors.read(directory));
        if (!ConfigReader.namesDtype(directory)) {
            config = config.withDtype(tensors.values().iterator().next().dtype());
        }
        return new Checkpoint(directory, config, tensors, defaults);
    }

    /** The model's shapes and constants. Where the file names no dtype it is that of the embedding's weights. */
    public ModelConfig config() {
        return config;
    }

    /** The directory as it was given to {@link #open}. */
    public Path directory() {
        return directory;
    }

    /**
     * @param name Hugging Face's name of a tensor that {@link #expected} lists
     * @throws IllegalArgumentException when the model has no such tensor
     */
    public TensorRef tensor(String name) {
        TensorRef tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("this model has no tensor " + name);
        }
        return tensor;
    }

    /** The model's tensors by name, in the order of {@link #expected}; unmodifiable. */
    public Map<String, TensorRef> tensors() {
        return tensors;
    }

    /** Bytes of all the model's weights on disk. */
    public long bytes() {
        return tensors.values().stream().mapToLong(TensorRef::bytes).sum();
    }

    /** What the checkpoint says about how to generate with it. */
    public GenerationDefaults generationDefaults() {
        return generationDefaults;
    }

    /** The tensors that a configuration calls for, embedding first, then layer by layer, output projection last. */
    public static List<ExpectedTensor> expected(ModelConfig config) {
        return Weight.of(config).stream().flatMap(weight -> weight.parts().stream()).toList();
    }

    private static Map<String, TensorRef> matched(ModelConfig config, StoredTensors stored) {
        Map<String, TensorRef> tensors = new LinkedHashMap<>();
        for (ExpectedTensor expected : expected(config)) {
            StoredTensors.Stored found = stored.byName().get(expected.name());
            if (found == null) {
                throw new ModelException(stored.listing() + ": tensor " + expected.name() + " is missing.");
            }
            tensors.put(expected.name(), matched(expected, found));
        }
        stored.byName().forEach((name, found) -> {
            if (!tensors.containsKey(name) && !isHarmless(name, config)) {
                throw new ModelException(found.file() + ": tensor " + name + " "
                        + Arrays.toString(found.entry().shape()) + " has no place in this " + config.family()
                        + " model.");
            }
        });
        return Collections.unmodifiableMap(tensors);
    }

    private static TensorRef matched(ExpectedTensor expected, StoredTensors.Stored found) {
        SafetensorsHeader.Entry entry = found.entry();
        if (!Arrays.equals(entry.shape(), expected.shape())) {
            throw new ModelException(found.file() + ": tensor " + entry.name() + " has shape "
                    + Arrays.toString(entry.shape()) + ", but config.json calls for "
                    + Arrays.toString(expected.shape()) + ".");
        }
        DType dtype = DType.ofSafetensors(entry.dtype())
                .orElseThrow(() -> new ModelException(found.file() + ": tensor " + entry.name() + " has dtype "
                        + entry.dtype() + "; supported are F32, BF16 and F16."));
        return new TensorRef(entry.name(), found.file(), entry.offset(), entry.bytes(), dtype, entry.shape());
    }

    /** What older exports carry along without need: rotary tables, and the output projection when it is the embedding. */
    private static boolean isHarmless(String name, ModelConfig config) {
        return name.endsWith("rotary_emb.inv_freq") || config.tiedEmbeddings() && name.equals("lm_head.weight");
    }
}
