package dev.lockstep.checkpoint;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/** What the safetensors files of a directory hold, whether or not the model wants it. */
final class StoredTensors {
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    /** That of a model of 90,000 tensors has 9 MB. */
    private static final int LARGEST_INDEX = 64 * ModelFile.MEGABYTE;

    /** A tensor and the file it lies in. */
    record Stored(Path file, SafetensorsHeader.Entry entry) {}

    private final Path directory;
    /** The file to name when a tensor is missing: the one file, or the index. */
    private final Path listing;
    private final Map<String, Stored> byName = new LinkedHashMap<>();

    private StoredTensors(Path directory, String listing) {
        this.directory = directory;
        this.listing = directory.resolve(listing);
    }

    static StoredTensors read(Path directory) {
        // transformers prefers the single file too where a directory has both
        if (Files.exists(directory.resolve(SINGLE_FILE))) {
            StoredTensors tensors = new StoredTensors(directory, SINGLE_FILE);
            tensors.add(tensors.listing);
            return tensors;
        }
        if (Files.exists(directory.resolve(INDEX))) {
            StoredTensors tensors = new StoredTensors(directory, INDEX);
            tensors.addShards();
            return tensors;
        }
        throw DirectoryContent.of(directory).withoutWeights();
    }

    Map<String, Stored> byName() {
        return byName;
    }

    Path listing() {
        return listing;
    }

    private void add(Path file) {
        for (SafetensorsHeader.Entry entry : SafetensorsHeader.read(file)) {
            Stored earlier = byName.putIfAbsent(entry.name(), new Stored(file, entry));
            if (earlier != null) {
                throw new ModelException(
                        file + ": tensor " + Printable.cut(entry.name()) + " is in " + earlier.file.getFileName()
                                + " as well.");
            }
        }
    }

    private void addShards() {
        Map<String, Path> shards = shards(JsonFile.read(listing, LARGEST_INDEX));
        for (Path shard : new TreeSet<>(shards.values())) {
            if (!Files.exists(shard)) {
                throw new ModelException(shard + " does not exist, though " + INDEX + " names it.");
            }
            add(shard);
        }
        shards.forEach((name, shard) -> {
            Stored stored = byName.get(name);
            if (stored == null || !stored.file.equals(shard)) {
                throw new ModelException(
                        shard + ": tensor " + Printable.cut(name) + " is not in this file, though " + INDEX
                                + " says so.");
            }
        });
    }

    private Map<String, Path> shards(JsonFile index) {
        JsonNode names = index.object("weight_map").orElseThrow(() -> index.fault("weight_map is missing.")).object();
        Map<String, Path> shards = new TreeMap<>();
        names.properties().forEach(field -> {
            String shard = field.getValue().asText();
            // An index comes with the download; it has no business pointing out of its directory.
            if (!field.getValue().isTextual() || !isFileName(shard)) {
                throw index.wrong("weight_map of tensor " + Printable.cut(field.getKey()), field.getValue(),
                        "the name of a file in the same directory");
            }
            shards.put(field.getKey(), directory.resolve(shard));
        });
        return shards;
    }

    private static boolean isFileName(String name) {
        try {
            return !name.isEmpty() && !name.equals(".") && !name.equals("..")
                    && name.equals(String.valueOf(Path.of(name).getFileName()));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
