package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

/** Which of a model's files hold its weights; others, such as the same weights in another format, are not fetched. */
final class WeightFiles {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";
    static final String ADAPTER_CONFIG = "adapter_config.json";
    static final String ADAPTER = "adapter_model.safetensors";

    private static final int LONGEST_INDEX = 64 << 20;
    private static final String SHARD = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\\.safetensors";

    private WeightFiles() {}

    /**
     * The files that an index names.
     *
     * @throws UsageException when it is no such index, or names what cannot be a file of the model
     */
    static Set<String> ofIndex(Path index) {
        try (InputStream in = Files.newInputStream(index)) {
            JsonNode map = Json.MAPPER.readTree(in.readNBytes(LONGEST_INDEX)).path("weight_map");
            Set<String> files = new TreeSet<>();
            map.forEach(file -> files.add(file.asText()));
            Optional<String> strange = files.stream().filter(file -> !file.matches(SHARD)).findFirst();
            if (strange.isPresent()) {
                throw new UsageException(
                        index + " names " + Printable.cut(strange.get()) + ", which is no file of weights");
            }
            if (files.isEmpty()) {
                throw new UsageException(index + " names no files of weights");
            }
            return files;
        } catch (IOException e) {
            throw new UsageException(index + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** @throws UsageException when the model has no weights that can be used */
    static void requireIndex(ModelName name, Set<String> files) {
        if (files.contains(INDEX)) {
            return;
        }
        if (files.contains(ADAPTER_CONFIG)) {
            throw new UsageException(name + " is a LoRA adapter and no model; give its base model, and the adapter with"
                    + " --lora " + name);
        }
        String has = Stream.of(".safetensors", ".bin", ".gguf", ".pth", ".pt", ".h5", ".msgpack", ".onnx")
                .flatMap(end -> files.stream().filter(file -> file.endsWith(end)).sorted().limit(1)).findFirst()
                .map(file -> "only " + Printable.cut(file)).orElse("no weights at all");
        throw new UsageException(name + " has no model.safetensors, " + has
                + ": take a revision or another copy of it with safetensors (many models have one as a pull request, as in "
                + name.id()
                + "@refs/pr/1), or convert it with save_pretrained of transformers and give that directory");
    }

    /** @throws UsageException when it is no adapter, or has no weights that can be used */
    static void requireAdapter(ModelName name, Set<String> files) {
        if (files.contains(ADAPTER_CONFIG) && files.contains(ADAPTER)) {
            return;
        }
        if (!files.contains(ADAPTER_CONFIG)) {
            throw new UsageException(name + " has no " + ADAPTER_CONFIG + (files.contains("config.json")
                    ? ": it is a model and no LoRA adapter; give it with --model"
                    : ": it is no LoRA adapter as PEFT saves it"));
        }
        throw new UsageException(name + " has no " + ADAPTER + (files.contains("adapter_model.bin")
                ? ", only adapter_model.bin: load it with PEFT and give the directory that save_pretrained writes"
                : ": its upload is not complete; take another revision"));
    }

    /** @throws UsageException when an index names files that the model does not have */
    static void requireAll(ModelName name, Set<String> wanted, Set<String> files) {
        wanted.stream().filter(file -> !files.contains(file)).findFirst().ifPresent(file -> {
            throw new UsageException(name + " has no " + file + ", though its " + INDEX
                    + " names it: its upload is not complete; take another revision");
        });
    }
}
