package dev.lockstep.job;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import ai.djl.engine.Engine;

import dev.lockstep.model.Checkpoint;
import dev.lockstep.model.TensorRef;

/**
 * What results were made of and with, for those who have to show it later. Sums are SHA-256 of whole files, as {@code sha256sum}
 * prints them, weights included.
 *
 * @param versions of Lockstep and what it runs on
 * @param model    the checkpoint and its files
 * @param prompts  the input; without a sum where it can be read only once
 * @param options  as they were resolved
 * @param results  what was written
 */
record Manifest(Map<String, Object> versions, Model model, Input prompts, Map<String, Object> options,
        Output results) {
    /** @param files by name, their sums */
    record Model(String directory, Map<String, String> files) {}

    record Input(String file, String sha256) {}

    /**
     * @param rows   results
     * @param failed of them
     */
    record Output(String file, int rows, int failed, String sha256) {}

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
        Map<String, String> files = new TreeMap<>();
        List<Path> read = Stream.concat(MODEL_FILES.stream().map(directory::resolve).filter(Files::isRegularFile),
                checkpoint.tensors().values().stream().map(TensorRef::file)).distinct().toList();
        for (Path file : read) {
            files.put(file.getFileName().toString(), sha256(file));
        }
        boolean again = !prompts.equals("-") && Files.isRegularFile(Path.of(prompts));
        return new Manifest(versionsInUse(), new Model(directory.toAbsolutePath().toString(), files),
                new Input(prompts, again ? sha256(Path.of(prompts)) : null), options,
                new Output(output, tally.results(), tally.failures().count(),
                        Files.isRegularFile(Path.of(output)) ? sha256(Path.of(output)) : null));
    }

    private static Map<String, Object> versionsInUse() throws IOException {
        Map<String, Object> versions = new LinkedHashMap<>();
        String own = Manifest.class.getPackage().getImplementationVersion();
        versions.put("lockstep", own == null ? "not from its jar" : own);
        versions.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
        versions.put("djl", Engine.getDjlVersion());
        versions.put("libtorch", Engine.getEngine("PyTorch").getVersion());
        versions.put("mpj_express", mpj());
        return versions;
    }

    /** MPJ Express does not say its version, so its jar has to. */
    private static String mpj() throws IOException {
        try {
            CodeSource source = Class.forName("mpi.MPI", false, Manifest.class.getClassLoader()).getProtectionDomain()
                    .getCodeSource();
            Path jar = source == null ? null : Path.of(source.getLocation().toURI());
            return jar == null || !Files.isRegularFile(jar) ? "unknown" : jar.getFileName() + " " + sha256(jar);
        } catch (ClassNotFoundException | URISyntaxException e) {
            return "none";
        }
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = Fingerprint.digest();
        byte[] piece = new byte[1 << 20];
        try (InputStream in = Files.newInputStream(file)) {
            for (int length; (length = in.read(piece)) > 0;) {
                digest.update(piece, 0, length);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Writes pretty JSON; the file is replaced as a whole. */
    void write(String file) throws IOException {
        TargetFile.write(file, out -> {
            Json.pretty().writeValue(out, this);
            out.write('\n');
        });
    }
}
