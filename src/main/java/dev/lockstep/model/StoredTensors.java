package dev.lockstep.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;

/** What the safetensors files of a directory hold, whether or not the model wants it. */
final class StoredTensors {
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

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
        throw new ModelException(directory + " has neither " + SINGLE_FILE + " nor " + INDEX
                + "; weights in any other format must be converted to safetensors.");
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
                        file + ": tensor " + entry.name() + " is in " + earlier.file.getFileName() + " as well.");
            }
        }
    }

    private void addShards() {
        Map<String, Path> shards = shards(JsonFile.read(listing));
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
                        shard + ": tensor " + name + " is not in this file, though " + INDEX + " says so.");
            }
        });
    }

    private Map<String, Path> shards(JsonFile index) {
        JsonNode names = index.object("weight_map").orElseThrow(() -> index.fault("weight_map is missing.")).object();
        Map<String, Path> shards = new TreeMap<>();
        names.properties().forEach(field -> {
            String shard = field.getValue().asText();
            // An index comes with the download; it has no business pointing out of its directory.
            if (shard.isEmpty() || !shard.equals(String.valueOf(Path.of(shard).getFileName()))) {
                throw index.wrong("weight_map of tensor " + field.getKey(), field.getValue(),
                        "the name of a file in the same directory");
            }
            shards.put(field.getKey(), directory.resolve(shard));
        });
        return shards;
    }
}
