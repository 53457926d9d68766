package dev.lockstep.journal;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

import dev.lockstep.checkpoint.Checkpoint;
import dev.lockstep.checkpoint.ExpectedTensor;
import dev.lockstep.checkpoint.TensorRef;
import dev.lockstep.checkpoint.lora.Adapter;
import dev.lockstep.host.Sha256;

/**
 * What decides a job's texts: two runs that agree in it would write the same results.
 *
 * @param model    of the checkpoint's files, wherever they lie
 * @param dtype    what the model computes in
 * @param prompts  of the input
 * @param sampling what the command line says about sampling, lengths and samples, readable
 * @param adapters of what is added to the model's weights, empty where nothing is
 */
public record Fingerprint(String model, String dtype, String prompts, String sampling, String adapters) {
    private static final List<String> WHOLE = List.of("config.json", "generation_config.json", "tokenizer.json",
            "tokenizer_config.json");
    /** Weights are too large to be read for this, so a file shows by its length and by pieces from end to end. */
    private static final int PIECES = 64;
    private static final int PIECE = 1 << 16;

    /**
     * @param dtype    what the model computes in, and how its weights are kept
     * @param prompts  of the input
     * @param sampling what the command line says about sampling, lengths and samples
     */
    public static Fingerprint of(Checkpoint checkpoint, String dtype, String prompts, String sampling)
            throws IOException {
        return new Fingerprint(model(checkpoint), dtype, prompts, sampling, adapters(checkpoint));
    }

    /** What the job is called in its journals: digits that other jobs, and other forms of journal, do not have. */
    public String job() {
        MessageDigest digest = Sha256.digest();
        digest.update((Journal.FORMAT + " " + this).getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }

    /** One sentence part that names what is different in the run now, or empty. */
    Optional<String> differenceTo(Fingerprint now) {
        if (!model.equals(now.model)) {
            return Optional.of("the model is a different one");
        }
        if (!adapters.equals(now.adapters)) {
            return Optional.of("the adapters (--lora) are different ones");
        }
        if (!prompts.equals(now.prompts)) {
            return Optional.of("the prompts are different");
        }
        if (!sampling.equals(now.sampling)) {
            return Optional.of("the sampling options are different");
        }
        return dtype.equals(now.dtype)
                ? Optional.empty()
                : Optional.of("the type of computation was " + dtype + " and is " + now.dtype);
    }

    private static String model(Checkpoint checkpoint) throws IOException {
        MessageDigest digest = Sha256.digest();
        for (String name : WHOLE) {
            Path file = checkpoint.directory().resolve(name);
            byte[] bytes = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
            digest.update((name + " " + bytes.length).getBytes(StandardCharsets.UTF_8));
            digest.update(bytes);
        }
        for (Path file : checkpoint.tensors().values().stream().map(TensorRef::file).distinct().sorted().toList()) {
            weights(file, digest);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String adapters(Checkpoint checkpoint) throws IOException {
        if (checkpoint.updateDirectories().isEmpty()) {
            return "";
        }
        MessageDigest digest = Sha256.digest();
        for (Path directory : checkpoint.updateDirectories()) {
            for (String name : Adapter.FILES) {
                digest.update(Sha256.of(directory.resolve(name)).getBytes(StandardCharsets.UTF_8));
            }
        }
        // the same files may be added in another order, or more than once
        for (ExpectedTensor tensor : Checkpoint.expected(checkpoint.config())) {
            for (Checkpoint.Update update : checkpoint.updates(tensor.name())) {
                int which = checkpoint.updateDirectories().indexOf(update.a().file().getParent());
                digest.update((tensor.name() + " " + which + " ").getBytes(StandardCharsets.UTF_8));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void weights(Path file, MessageDigest digest) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            long length = in.length();
            digest.update((file.getFileName() + " " + length).getBytes(StandardCharsets.UTF_8));
            byte[] piece = new byte[PIECE];
            for (int i = 0; i < PIECES; i++) {
                in.seek(Math.max(0, length - PIECE) * i / (PIECES - 1));
                digest.update(piece, 0, Math.max(0, in.read(piece)));
            }
        }
    }
}
