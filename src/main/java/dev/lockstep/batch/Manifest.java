package dev.lockstep.batch;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.Sha256;
import dev.lockstep.json.Json;
import dev.lockstep.report.ReportPage;
import dev.lockstep.results.Tally;
import dev.lockstep.torch.EngineVersions;

/**
 * What results were made of and with, for those who have to show it later. Sums are SHA-256 of whole files, as {@code sha256sum}
 * prints them, weights included.
 *
 * @param versions of Lockstep and what it runs on
 * @param model    the checkpoint and its files
 * @param adapters what was added to it, in that order
 * @param prompts  the input; without a sum where it can be read only once
 * @param options  as they were resolved
 * @param results  what was written
 */
record Manifest(Map<String, Object> versions, Model model, List<Model> adapters, Input prompts,
        Map<String, Object> options, Output results) {
    /** @param files by name, their sums */
    record Model(String directory, Map<String, String> files) {
        private static Model of(Path directory, List<Path> read) throws IOException {
            Map<String, String> files = new TreeMap<>();
            for (Path file : read) {
                files.put(file.getFileName().toString(), Sha256.of(file));
            }
            return new Model(directory.toAbsolutePath().toString(), files);
        }
    }

    record Input(String file, @Nullable String sha256) {}

    /**
     * @param rows   results
     * @param failed of them
     */
    record Output(String file, int rows, int failed, @Nullable String sha256) {}

    /** What a checkpoint's directory may have besides weights and is read for this job. */
    private static final List<String> MODEL_FILES = List.of("config.json", "generation_config.json", "tokenizer.json",
            "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
            "model.safetensors.index.json");

    /**
     * To be called when the results are written, which are read once more for this, as is the whole model.
     *
     * @param options see {@link ReportPage#settings}
     */
    static Manifest of(Checkpoint checkpoint, String prompts, Map<String, Object> options, String output, Tally tally)
            throws IOException {
        Path directory = checkpoint.directory();
        List<Path> read = Stream.concat(MODEL_FILES.stream().map(directory::resolve).filter(Files::isRegularFile),
                checkpoint.tensors().values().stream().map(TensorRef::file)).distinct().toList();
        List<Model> adapters = new ArrayList<>();
        for (Path adapter : checkpoint.updateDirectories()) {
            adapters.add(Model.of(adapter, Adapter.FILES.stream().map(adapter::resolve).toList()));
        }
        boolean again = !prompts.equals("-") && Files.isRegularFile(Path.of(prompts));
        return new Manifest(versionsInUse(), Model.of(directory, read), adapters,
                new Input(prompts, again ? Sha256.of(Path.of(prompts)) : null), options,
                new Output(output, tally.results(), tally.failures().count(),
                        Files.isRegularFile(Path.of(output)) ? Sha256.of(Path.of(output)) : null));
    }

    private static Map<String, Object> versionsInUse() throws IOException {
        Map<String, Object> versions = new LinkedHashMap<>();
        String own = Manifest.class.getPackage().getImplementationVersion();
        versions.put("lockstep", own == null ? "not from its jar" : own);
        versions.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        versions.put("djl", EngineVersions.djl());
        versions.put("libtorch", EngineVersions.libtorch());
        versions.put("mpj_express", mpj());
        return versions;
    }

    /** MPJ Express does not say its version, so its jar has to. */
    private static String mpj() throws IOException {
        try {
            CodeSource source = Class.forName("mpi.MPI", false, Manifest.class.getClassLoader()).getProtectionDomain()
                    .getCodeSource();
            Path jar = source == null ? null : Path.of(source.getLocation().toURI());
            return jar == null || !Files.isRegularFile(jar) ? "unknown" : jar.getFileName() + " " + Sha256.of(jar);
        } catch (ClassNotFoundException | URISyntaxException e) {
            return "none";
        }
    }

    /** Writes pretty JSON; the file is replaced as a whole. */
    void write(String file) throws IOException {
        AtomicFile.write(file, out -> {
            Json.pretty().writeValue(out, this);
            out.write('\n');
        });
    }
}
