package dev.lockstep.tokenizer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import org.jspecify.annotations.Nullable;

import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/**
 * A checkpoint's {@code tokenizer.json}, run by Hugging Face's own Rust library. Safe for use by many threads.
 */
public final class Tokenizer implements AutoCloseable {
    // Left to its defaults DJL cuts every text at 512 tokens and pads batches, whatever tokenizer.json says.
    private static final Map<String, String> AS_THE_FILE_SAYS = Map.of("truncation", "false", "padding", "false");

    /** That of a vocabulary of 262,144 tokens has 33 MB. */
    static final int LARGEST = 256 * ModelFile.MEGABYTE;

    private final Path file;
    private final Path directory;
    private final HuggingFaceTokenizer tokenizer;
    // null until somebody asks
    private @Nullable TokenBytes pieces;
    private @Nullable OptionalInt begin;

    private Tokenizer(Path directory, Path file, HuggingFaceTokenizer tokenizer) {
        this.directory = directory;
        this.file = file;
        this.tokenizer = tokenizer;
    }

    /**
     * @param directory a checkpoint's
     * @throws ModelException when {@code tokenizer.json} is absent or is not a tokenizer
     */
    public static Tokenizer load(Path directory) {
        Path file = directory.resolve("tokenizer.json");
        byte[] bytes = read(file);
        DjlLibraries.load(() -> {
            LibUtils.checkStatus();
            return null;
        });
        try {
            return new Tokenizer(directory, file,
                    HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), AS_THE_FILE_SAYS));
        } catch (IOException e) {
            throw ModelFile.unreadable(file, e);
        } catch (RuntimeException e) {
            throw new ModelException(file + " is not a tokenizer that can be read: " + e.getMessage() + ".", e);
        }
    }

    /**
     * Looks at the file without the library that runs it, which is not Java.
     *
     * @throws ModelException as {@link #load} does, where this alone can tell
     */
    public static void check(Path directory) {
        read(directory.resolve("tokenizer.json"));
    }

    private static byte[] read(Path file) {
        if (!Files.exists(file)) {
            throw new ModelException(file + " does not exist; it is the only form of tokenizer that is supported.");
        }
        byte[] bytes = ModelFile.read(file, LARGEST);
        TokenizerFile.check(file, bytes);
        return bytes;
    }

    /**
     * Nothing adds special tokens to a prompt after this. {@code true} is for texts as people write them;
     * {@code false} for texts that hold theirs already, as those of a {@link ChatTemplate} do, and would have a second
     * begin token otherwise.
     *
     * @param addSpecialTokens add what the tokenizer puts around a text of its own accord, such as a begin token;
     *                         special tokens spelled out in the text become their ids either way
     * @return the text's tokens, however many
     */
    public int[] encode(String text, boolean addSpecialTokens) {
        return Arrays.stream(tokenizer.encode(text, addSpecialTokens, false).getIds()).mapToInt(Math::toIntExact)
                .toArray();
    }

    /**
     * The token that texts begin with, whether or not the tokenizer puts it there: the {@code bos_token} of the checkpoint, whose
     * files are read when this is first called.
     *
     * @return empty where it has none that is a token
     * @throws ModelException when a file that names it cannot be read
     */
    public synchronized OptionalInt begin() {
        if (begin == null) {
            Object name = SpecialTokens.of(directory, SpecialTokens.config(directory)).get(SpecialTokens.BEGIN);
            int[] ids = name == null ? new int[0] : encode(name.toString(), false);
            begin = ids.length == 1 ? OptionalInt.of(ids[0]) : OptionalInt.empty();
        }
        return begin;
    }

    /**
     * @param ids               tokens of this tokenizer
     * @param skipSpecialTokens leave special tokens out of the text
     * @return their text; bytes that are not yet a whole character come out as U+FFFD
     */
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), skipSpecialTokens);
    }

    /**
     * The UTF-8 bytes that a token stands for, which may be a part of a character; of a special token its name. The file
     * is read once more when this is first called.
     *
     * @throws ModelException when it cannot be read any more
     */
    public byte[] bytes(int id) {
        return pieces().of(id).clone();
    }

    /**
     * Whether texts are what the {@linkplain #bytes bytes} of their tokens make, one after the other, and nothing else: where
     * the decoder is {@code ByteLevel}.
     *
     * @throws ModelException when the file cannot be read any more
     */
    public boolean isByteLevel() {
        return pieces().isExact();
    }

    /**
     * The tokens, none of them added ones, that stand for just these bytes.
     *
     * @param bytes a character up to U+00FF for each
     * @return none where the tokenizer is not {@linkplain #isByteLevel of bytes}
     * @throws ModelException when the file cannot be read any more
     */
    public List<Integer> spelling(String bytes) {
        return pieces().spelling(bytes);
    }

    /**
     * Whether a token decodes to just its {@linkplain #bytes bytes}, and is none of the added ones.
     *
     * @throws ModelException when the file cannot be read any more
     */
    public boolean isOfBytes(int id) {
        return pieces().isExact(id);
    }

    private synchronized TokenBytes pieces() {
        if (pieces == null) {
            pieces = TokenBytes.read(file);
        }
        return pieces;
    }

    /** Frees the native tokenizer. */
    @Override
    public void close() {
        tokenizer.close();
    }
}
