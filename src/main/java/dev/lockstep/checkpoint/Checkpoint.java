package dev.lockstep.checkpoint;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.family.Families;
import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.DType;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelConfig;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/**
 * A Hugging Face checkpoint directory, checked: whoever holds one has every tensor that the configuration calls for, in
 * its shape, in a type the decoder takes, within a file that is long enough. Only headers have been read, so opening
 * takes milliseconds whatever the model weighs, and a broken download shows before a rank starts to load it.
 */
public final class Checkpoint {
    private static final List<String> OTHERS = List.of("tokenizer.json", "tokenizer_config.json",
            "special_tokens_map.json", "chat_template.jinja");

    private final Path directory;
    private final ModelConfig config;
    private final Optional<Quantization> quantization;
    private final MatchedTensors matched;
    private final KvScaleTensors kvScales;
    private final GenerationDefaults generationDefaults;
    private final Map<String, List<Update>> updates;

    /**
     * What is added to a weight [out, in] before it is computed with: {@code scaling} times the product of {@code b} and
     * {@code a}.
     *
     * @param b [out, r], as stored
     * @param a [r, in], as stored
     */
    public record Update(TensorRef b, TensorRef a, double scaling) {
        /** Both, in the order that the program takes them. */
        public List<TensorRef> tensors() {
            return List.of(b, a);
        }
    }

    private Checkpoint(Path directory, ModelConfig config, Optional<Quantization> quantization, MatchedTensors matched,
            KvScaleTensors kvScales, GenerationDefaults generationDefaults, Map<String, List<Update>> updates) {
        this.directory = directory;
        this.config = config;
        this.quantization = quantization;
        this.matched = matched;
        this.kvScales = kvScales;
        this.generationDefaults = generationDefaults;
        this.updates = updates;
    }

    /**
     * Reads {@code config.json}, {@code generation_config.json} where there is one, and the headers of
     * {@code model.safetensors} or of the shards that {@code model.safetensors.index.json} names.
     *
     * @throws ModelException at the first thing that is wrong; one sentence that names the file and the tensor
     */
    public static Checkpoint open(Path directory) {
        return open(directory, true);
    }

    /** @param head whether there must be an output projection; without one the embedding stands in its place */
    private static Checkpoint open(Path directory, boolean head) {
        if (!Files.isDirectory(directory)) {
            throw new ModelException(directory + (Files.exists(directory) ? " is not a directory" : " does not exist")
                    + "; a checkpoint is a directory with config.json, tokenizer.json and *.safetensors.");
        }
        if (!Files.exists(directory.resolve("config.json"), LinkOption.NOFOLLOW_LINKS)) {
            throw DirectoryContent.of(directory).withoutConfig();
        }
        // whoever reads one of these later, and reads it as it is, must not wait for a pipe
        OTHERS.stream().map(directory::resolve).filter(Files::exists).forEach(ModelFile::requireRegular);
        ModelConfig config = Families.read(directory);
        Optional<Quantization> quantization = Quantization.read(directory);
        GenerationDefaults defaults = GenerationDefaults.read(directory, config.vocabulary());
        StoredTensors stored = StoredTensors.read(directory);
        if (!head && !MatchedTensors.hasHead(config, stored)) {
            config = config.tied();
        }
        MatchedTensors matched = MatchedTensors.of(config, quantization.orElse(null), stored);
        if (matched.ownHead()) {
            config = config.untied();
        }
        DType embedding = matched.tensors().values().iterator().next().type().computed();
        if (!Families.namesDtype(directory) && embedding != null) {
            config = config.withDtype(embedding);
        }
        return new Checkpoint(directory, config, quantization, matched, KvScaleTensors.of(stored), defaults, Map.of());
    }

    /**
     * {@link #open(Path)} of a directory or of a model on the Hugging Face hub, {@code org/name} or
     * {@code org/name@revision}, which is downloaded into the hub's cache where it is not there yet. A download is told of
     * in the log.
     *
     * @throws UsageException when there is no such model or it cannot be downloaded; one sentence that says what to do
     * @throws ModelException as {@link #open(Path)} does; a model whose config.json is refused is not downloaded
     */
    public static Checkpoint open(String model) {
        return open(model, Watch.log());
    }

    /** {@link #open(String)} for those who tell of downloads in another way. */
    public static Checkpoint open(String model, Watch watch) {
        return open(model, watch, true);
    }

    /**
     * {@link #open(String, Watch)} of a model that may be without its output projection, as those are that were trained for
     * embeddings: where there is none the input embedding stands in its place.
     */
    public static Checkpoint openForEmbeddings(String model, Watch watch) {
        return open(model, watch, false);
    }

    private static Checkpoint open(String model, Watch watch, boolean head) {
        if (!Hub.isName(model)) {
            return open(FileName.of("the model", model), head);
        }
        Hub hub = new Hub(System.getenv(), watch);
        Path settings = hub.settings(model);
        GenerationDefaults.read(settings, Families.read(settings).vocabulary());
        return open(head ? hub.checkpoint(model) : hub.embedding(model), head);
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
     * @param name Hugging Face's name of a tensor that {@link #expected} lists, or of a part of a quantized weight
     * @throws IllegalArgumentException when the model has no such tensor
     */
    public TensorRef tensor(String name) {
        TensorRef tensor = matched.tensors().get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("this model has no tensor " + name);
        }
        return tensor;
    }

    /** How weights are quantized, for people, such as "gptq int4"; empty where they are not. */
    public Optional<String> quantization() {
        return quantization.map(Quantization::toString);
    }

    /** The weight of this name among those that {@link #expected} lists, where it is stored in fewer bits. */
    public Optional<QuantizedWeight> quantized(String name) {
        return Optional.ofNullable(matched.quantized().get(name));
    }

    /**
     * Reads what keys and values are to be divided by before they are kept in fp8: of the scales that are stored, the next
     * powers of 2 that are no smaller, and 1 where none are.
     *
     * @throws ModelException when a layer lacks one that others have, or one is not a positive number
     */
    public KvScales kvScales() {
        return kvScales.read(JsonFile.read(directory.resolve("config.json")), config.layers());
    }

    /**
     * Whether the weights of all layers' projections are in fp8 {@linkplain QuantizedWeight#isFp8ByRow by row}, and nothing
     * is added to them.
     */
    public boolean isFp8ByRow() {
        return expected(config).stream().filter(ExpectedTensor::isLinearOfLayer)
                .allMatch(tensor -> quantized(tensor.name()).filter(QuantizedWeight::isFp8ByRow).isPresent()
                        && updates(tensor.name()).isEmpty());
    }

    /**
     * The same model with more added to its weights, after what was added before.
     *
     * @param more by the names of the weights, which {@link #expected} lists
     */
    public Checkpoint withUpdates(Map<String, Update> more) {
        Map<String, List<Update>> all = new LinkedHashMap<>(updates);
        more.forEach((name, update) -> {
            List<Update> ofWeight = new ArrayList<>(updates(name));
            ofWeight.add(update);
            all.put(name, List.copyOf(ofWeight));
        });
        return new Checkpoint(directory, config, quantization, matched, kvScales, generationDefaults, all);
    }

    /** What is added to the weight of this name, in that order; empty for most. */
    public List<Update> updates(String name) {
        return updates.getOrDefault(name, List.of());
    }

    /** The directories whose content is added to the weights, in that order. */
    public List<Path> updateDirectories() {
        return updates.values().stream().flatMap(List::stream).map(update -> update.a.file()).distinct()
                .map(Path::getParent).toList();
    }

    /** The model's tensors by name, in the order of {@link #expected}, with all parts of a quantized one; unmodifiable. */
    public Map<String, TensorRef> tensors() {
        return matched.tensors();
    }

    /** Bytes on disk of all the model's weights, and of what is added to them. */
    public long bytes() {
        return Stream.concat(tensors().values().stream(), updates.values().stream().flatMap(List::stream)
                .flatMap(update -> update.tensors().stream())).mapToLong(TensorRef::bytes).sum();
    }

    /** One sentence about stored tensors that the model does not use, a few of them by name; empty where there are none. */
    public Optional<String> unused() {
        return matched.unusedSentence();
    }

    /** What the checkpoint says about how to generate with it. */
    public GenerationDefaults generationDefaults() {
        return generationDefaults;
    }

    /** The tensors that a configuration calls for, embedding first, then layer by layer, output projection last. */
    public static List<ExpectedTensor> expected(ModelConfig config) {
        return ModelWeight.of(config).stream().flatMap(weight -> weight.parts().stream()).toList();
    }
}
