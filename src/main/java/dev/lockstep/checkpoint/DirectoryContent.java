package dev.lockstep.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/** Says what a directory is that holds no checkpoint, though somebody took it for one. */
final class DirectoryContent {
    /** More is never looked at: any directory may be given. */
    private static final int MOST_FILES = 10_000;
    private static final String TRAINING = "checkpoint-\\d{1,18}";
    private static final String MODELS = "models--";
    private static final String NAMELESS = "; give its base model";

    private final Path directory;
    private final List<String> names;

    private DirectoryContent(Path directory, List<String> names) {
        this.directory = directory;
        this.names = names;
    }

    static DirectoryContent of(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return new DirectoryContent(directory,
                    files.limit(MOST_FILES).map(file -> file.getFileName().toString()).sorted().toList());
        } catch (IOException | UncheckedIOException e) {
            throw new ModelException(directory + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    /** Of a directory that has no config.json. */
    ModelException withoutConfig() {
        return new ModelException(directory + something().or(this::elsewhere).orElse("/config.json does not exist."));
    }

    /** Of a directory that has neither a safetensors file of the right name nor an index. */
    ModelException withoutWeights() {
        return new ModelException(directory + something().or(this::otherSafetensors)
                .or(() -> names.contains("config.json") ? Optional.empty() : elsewhere())
                .orElse(" has neither model.safetensors nor model.safetensors.index.json; weights in any other format"
                        + " must be converted to safetensors."));
    }

    private Optional<String> something() {
        if (names.contains("model.safetensors") || names.contains("model.safetensors.index.json")) {
            return Optional.empty();
        }
        if (names.contains("adapter_config.json")) {
            return Optional.of(" holds a LoRA adapter (adapter_config.json) and no model" + base()
                    + ", and this directory with --lora.");
        }
        Optional<String> gguf = ending(".gguf");
        if (gguf.isPresent()) {
            return Optional.of(" holds weights as GGUF (" + gguf.get() + "), which is another format; give the"
                    + " checkpoint that it was made from, with config.json, tokenizer.json and *.safetensors.");
        }
        Optional<String> pickled = ending(".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".onnx");
        return pickled.map(name -> " holds weights in another format (" + name
                + "); convert them to safetensors, as save_pretrained of transformers does.");
    }

    private String base() {
        try {
            return JsonFile.read(directory.resolve("adapter_config.json")).text("base_model_name_or_path")
                    .map(base -> " (it changes " + Printable.cut(base) + "); give that model").orElse(NAMELESS);
        } catch (ModelException e) {
            return NAMELESS; // what it belongs to is only good to know
        }
    }

    private Optional<String> otherSafetensors() {
        return ending(".safetensors")
                .map(name -> " has neither model.safetensors nor model.safetensors.index.json, only " + name
                        + "; give the checkpoint in Hugging Face's layout.");
    }

    /** The checkpoint may lie deeper. */
    private Optional<String> elsewhere() {
        if (names.contains("snapshots") || directory.getFileName() != null
                && directory.getFileName().toString().startsWith(MODELS)) {
            return Optional.of(" is a model's directory in the hub's cache; the checkpoint is in "
                    + snapshot().map(Path::toString)
                            .orElse("its snapshots/<commit>, of which there is none: download it again")
                    + ".");
        }
        Optional<String> training = names.stream().filter(name -> name.matches(TRAINING))
                .max(Comparator.comparingLong(name -> Long.parseLong(name.replaceFirst(".*-", ""))));
        if (training.isPresent()) {
            return Optional.of(" is the directory of a training run; give one of its checkpoints, of which the last is "
                    + directory.resolve(training.get()) + ".");
        }
        if (names.stream().anyMatch(name -> name.startsWith(MODELS))) {
            return Optional.of(" is the hub's cache of many models; give the directory"
                    + " models--<org>--<name>/snapshots/<commit> of one of them.");
        }
        return names.stream().map(directory::resolve).filter(below -> Files.isRegularFile(below.resolve("config.json")))
                .findFirst().map(below -> " has no config.json; the checkpoint may be " + below + ", which has one.");
    }

    /** The snapshot that refs/main names, else the only one or the first. */
    private Optional<Path> snapshot() {
        Path snapshots = directory.resolve("snapshots");
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(snapshots)) {
            files.limit(MOST_FILES).filter(Files::isDirectory).sorted().forEach(found::add);
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty();
        }
        String main = main();
        return found.stream().filter(path -> path.getFileName().toString().equals(main)).findFirst()
                .or(() -> found.stream().findFirst());
    }

    private String main() {
        try {
            return new String(ModelFile.read(directory.resolve("refs/main"), 1000), StandardCharsets.UTF_8)
                    .strip();
        } catch (ModelException e) {
            return "";
        }
    }

    private Optional<String> ending(String... ends) {
        return names.stream().filter(name -> Stream.of(ends).anyMatch(name::endsWith))
                .filter(name -> !name.matches("(training_args|optimizer|scheduler|rng_state.*)\\.(bin|pt|pth)"))
                .filter(name -> !name.startsWith("adapter_model.")).map(Printable::cut).findFirst();
    }
}
