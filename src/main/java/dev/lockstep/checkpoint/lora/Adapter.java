package dev.lockstep.checkpoint.lora;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.Checkpoint.Update;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.SafetensorsHeader;
import dev.lockstep.checkpoint.StoredType;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.checkpoint.hub.Hub;
import dev.lockstep.checkpoint.hub.Watch;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.TensorNames;

/**
 * A LoRA adapter as PEFT saves it, {@code adapter_config.json} and {@code adapter_model.safetensors}: two narrow matrices
 * for some of a model's linear layers, whose product is added to these layers' weights when the model is loaded.
 *
 * <pre>{@code
 * Checkpoint model = Adapter.open(directory).onto(Checkpoint.open("org/name"));
 * }</pre>
 *
 * Only headers have been read of one that is open.
 */
public final class Adapter {
    private static final String WEIGHTS = "adapter_model.safetensors";
    /** All that is read of one. */
    public static final List<String> FILES = List.of(AdapterConfig.FILE, WEIGHTS);

    /** A layer's name, which of its matrices, and maybe what the adapter was called when it was trained. */
    private static final Pattern NAME = Pattern
            .compile("(?:base_model\\.model\\.)?(.+)\\.lora_([AB])(?:\\.[^.]+)?\\.weight");
    private static final String PREFIX = "model.";
    private static final String WEIGHT = ".weight";

    private final Path directory;
    private final AdapterConfig config;
    // both matrices of a layer, by the adapter's name of it
    private final Map<String, Update> updates;

    private Adapter(Path directory, AdapterConfig config, Map<String, Update> updates) {
        this.directory = directory;
        this.config = config;
        this.updates = updates;
    }

    /**
     * Reads the configuration and the header of the weights.
     *
     * @throws ModelException when it is no adapter, or is more than matrices that can be added here; one sentence that names
     *                        the file and the field or tensor
     */
    public static Adapter open(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new ModelException(directory + (Files.exists(directory) ? " is not a directory" : " does not exist")
                    + "; an adapter is a directory with " + AdapterConfig.FILE + " and " + WEIGHTS + ".");
        }
        if (!Files.exists(directory.resolve(AdapterConfig.FILE))) {
            throw new ModelException(directory + (Files.exists(directory.resolve("config.json"))
                    ? " holds a model (config.json) and no adapter; give it as the model."
                    : " has no " + AdapterConfig.FILE + "; an adapter is a directory with that and " + WEIGHTS
                            + ", as PEFT saves it."));
        }
        AdapterConfig config = AdapterConfig.read(directory);
        Path weights = directory.resolve(WEIGHTS);
        if (!Files.exists(weights)) {
            throw new ModelException(directory + " has no " + WEIGHTS + (Files.exists(
                    directory.resolve("adapter_model.bin"))
                            ? ", only adapter_model.bin; load the adapter with PEFT and save it with save_pretrained, which"
                                    + " writes safetensors."
                            : "; download the adapter again, or copy it whole."));
        }
        return new Adapter(directory, config, updates(weights, config));
    }

    /**
     * {@link #open(Path)} of a directory or of an adapter on the Hugging Face hub, {@code org/name} or
     * {@code org/name@revision}, which is downloaded into the hub's cache where it is not there yet. A download is told of
     * in the log.
     *
     * @throws UsageException when there is no such adapter or it cannot be downloaded; one sentence that says what to do
     */
    public static Adapter open(String adapter) {
        return open(adapter, Watch.log());
    }

    /** {@link #open(String)} for those who tell of downloads in another way. */
    public static Adapter open(String adapter, Watch watch) {
        return open(new Hub(System.getenv(), watch).adapter(adapter));
    }

    private static Map<String, Update> updates(Path weights, AdapterConfig config) {
        Map<String, TensorRef> a = new TreeMap<>();
        Map<String, TensorRef> b = new HashMap<>();
        for (SafetensorsHeader.Entry entry : SafetensorsHeader.read(weights)) {
            Matcher name = NAME.matcher(entry.name());
            if (!name.matches()) {
                throw fault(weights, entry.name(), entry.name().contains(".lora_embedding_")
                        ? "changes the embedding, which is not supported; " + AdapterConfig.MERGE
                        : "is no matrix of a linear layer (lora_A or lora_B), and others are not supported; "
                                + AdapterConfig.MERGE);
            }
            StoredType type = StoredType.of(entry.dtype()).filter(StoredType.FLOATS::contains).orElseThrow(
                    () -> fault(weights, entry.name(),
                            "has dtype " + entry.dtype() + "; supported are F32, BF16 and F16"));
            TensorRef tensor = new TensorRef(entry.name(), weights, entry.offset(), entry.bytes(), type, entry.shape());
            TensorRef other = (name.group(2).equals("A") ? a : b).put(name.group(1), tensor);
            if (other != null) {
                throw fault(weights, entry.name(), "is for the same layer as " + Printable.cut(other.name()));
            }
        }
        if (a.isEmpty() && b.isEmpty()) {
            throw new ModelException(weights + " has no tensors; save the adapter again, after it was trained.");
        }
        Map<String, Update> updates = new LinkedHashMap<>();
        a.forEach((module, tensor) -> {
            TensorRef second = b.remove(module);
            if (second == null) {
                throw fault(weights, tensor.name(), "has no lora_B beside it");
            }
            updates.put(module, new Update(second, tensor, config.scaling(module)));
        });
        b.values().forEach(tensor -> {
            throw fault(weights, tensor.name(), "has no lora_A beside it");
        });
        return updates;
    }

    /**
     * The model with this adapter added to its weights, and to what was added before. Nothing is computed until it is
     * loaded.
     *
     * @throws ModelException when the model lacks a layer of the adapter, or has it in another shape
     */
    public Checkpoint onto(Checkpoint checkpoint) {
        if (config.transposed() && !checkpoint.config().stored().transposed()) {
            throw new ModelException(directory.resolve(AdapterConfig.FILE)
                    + ": fan_in_fan_out, for weights that are stored the other way round, is not for "
                    + checkpoint.config().family() + ", whose are not; set it to false if that is a mistake, or "
                    + AdapterConfig.MERGE + ".");
        }
        Map<String, ExpectedTensor> layers = Checkpoint.expected(checkpoint.config()).stream()
                .filter(ExpectedTensor::isLinear)
                .collect(Collectors.toMap(ExpectedTensor::name, Function.identity()));
        TensorNames names = checkpoint.config().stored().names();
        Map<String, Update> more = new LinkedHashMap<>();
        updates.forEach((module, update) -> {
            // an adapter to a model without its output projection lacks the prefix
            ExpectedTensor layer = Stream.of(module, PREFIX + module)
                    .map(name -> layers.get(names.model(name + WEIGHT))).filter(Objects::nonNull).findFirst()
                    .orElse(null);
            if (layer == null) {
                throw fault(update.a().file(), update.a().name(), missing(checkpoint, module));
            }
            int rank = config.rank(module);
            require(update.a(), layer, rank, rank, layer.shape()[1]);
            require(update.b(), layer, rank, layer.shape()[0], rank);
            more.put(layer.name(), update);
        });
        return checkpoint.withUpdates(more);
    }

    private String missing(Checkpoint checkpoint, String module) {
        if (module.equals("lm_head") && checkpoint.config().tiedEmbeddings()) {
            return "changes lm_head, which in this model is the embedding (tie_word_embeddings) and is not changed here;"
                    + " take an adapter without it";
        }
        return "is for a linear layer that " + checkpoint.directory()
                + " does not have; give the model that the adapter"
                + " was trained on" + trainedOn();
    }

    private String trainedOn() {
        Optional<String> base = config.baseModel();
        return base.map(name -> " (" + Printable.cut(name) + ", says " + AdapterConfig.FILE + ")").orElse("");
    }

    private void require(TensorRef tensor, ExpectedTensor layer, int rank, int... shape) {
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw fault(tensor.file(), tensor.name(), "has shape " + Arrays.toString(tensor.shape())
                    + ", but with rank "
                    + rank + ", as " + AdapterConfig.FILE + " has it, and weights " + Arrays.toString(layer.shape())
                    + " of the model it must be " + Arrays.toString(shape) + "; give the model that the adapter was"
                    + " trained on" + trainedOn());
        }
    }

    private static ModelException fault(Path weights, String tensor, String what) {
        return new ModelException(weights + ": tensor " + Printable.cut(tensor) + " " + what + ".");
    }

    /** The directory. */
    @Override
    public String toString() {
        return directory.toString();
    }
}
