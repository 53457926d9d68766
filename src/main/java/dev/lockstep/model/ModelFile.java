package dev.lockstep.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

import dev.lockstep.host.Printable;

/**
 * Reads files of a checkpoint's directory, which may hold anything: links to files are followed, but what is no file
 * would never end, and what is larger than any such file would not fit.
 */
public final class ModelFile {
    public static final int MEGABYTE = 1 << 20;

    private static final int LONGEST_SNIPPET = 40;

    private ModelFile() {}

    /**
     * @param most so many bytes may the file have
     * @throws ModelException when it is absent, is no regular file, is larger or cannot be read
     */
    public static byte[] read(Path file, int most) {
        requireRegular(file);
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(most + 1);
            if (bytes.length > most) {
                throw new ModelException(file + " has more than the " + most / MEGABYTE
                        + " MB that such a file may have; it is not what its name says, or is damaged.");
            }
            return bytes;
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** @throws ModelException when it is absent or is no regular file */
    public static void requireRegular(Path file) {
        if (Files.isRegularFile(file)) {
            return;
        }
        if (Files.isDirectory(file)) {
            throw new ModelException(file + " is a directory; it must be a file.");
        }
        if (Files.exists(file)) {
            throw new ModelException(file + " is a pipe, a socket or a device; it must be a file.");
        }
        throw new ModelException(Files.isSymbolicLink(file)
                ? file + " is a link to a file that does not exist; download the checkpoint again, or copy it whole."
                : file + " does not exist.");
    }

    public static ModelException unreadable(Path file, IOException e) {
        if (e instanceof NoSuchFileException) {
            return new ModelException(file + " does not exist.", e);
        }
        return new ModelException(file + " cannot be read"
                + (e instanceof AccessDeniedException ? " by this user." : ": " + e.getMessage() + "."), e);
    }

    /**
     * What a file is that does not hold what its name says, as the rest of a sentence and what to do about it.
     *
     * @param head the file's first bytes, a few hundred of them where there are so many
     * @return empty where nobody can tell
     */
    public static Optional<String> mistaken(byte[] head) {
        String text = new String(head, StandardCharsets.UTF_8).stripLeading();
        String lower = text.toLowerCase(Locale.ROOT);
        if (text.startsWith("version https://git-lfs") || text.startsWith("version https://hawser")) {
            return Optional.of(" is a Git LFS pointer, a few lines of text in the place of the file; run git lfs pull"
                    + " where it was cloned, or download the checkpoint again.");
        }
        if (lower.startsWith("<!doctype html") || lower.startsWith("<html") || lower.startsWith("<head")) {
            return Optional.of(" is a web page (HTML), most likely that of a failed download; download it again.");
        }
        if (lower.startsWith("<?xml") || lower.startsWith("<error") || lower.startsWith("<!--")) {
            return Optional.of(" is XML, most likely the answer to a failed download; download it again.");
        }
        if (text.startsWith("GGUF")) {
            return Optional.of(" is a GGUF file, which is another format; give the checkpoint that it was made from.");
        }
        if (text.startsWith("PK\u0003\u0004")) {
            return Optional.of(" is a zip archive, as PyTorch's own files are, and not what its name says;"
                    + " convert it to safetensors.");
        }
        if (head.length > 1 && head[0] == 0x1f && (head[1] & 0xff) == 0x8b) {
            return Optional.of(" is compressed with gzip; unpack it.");
        }
        return Optional.empty();
    }

    /** The beginning of what seems to be text, for a sentence; empty where it is binary. */
    public static Optional<String> snippet(byte[] head) {
        for (byte b : head) {
            if (b >= 0 && b < ' ' && b != '\n' && b != '\r' && b != '\t') {
                return Optional.empty();
            }
        }
        String text = new String(head, StandardCharsets.UTF_8).strip().replaceAll("\\s+", " ");
        if (text.isEmpty() || text.indexOf('\ufffd') >= 0 && text.indexOf('\ufffd') < text.length() - 1) {
            return Optional.empty();
        }
        return Optional.of(Printable.cut(text.substring(0, Math.min(text.length(), LONGEST_SNIPPET))));
    }
}
