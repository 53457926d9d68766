package dev.lockstep.torch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs TorchScript source text into the archive that {@code torch::jit::load} reads, so that a program for the PyTorch
 * engine can be kept as plain text and needs no Python to become loadable.
 *
 * <p>The archive is a zip of stored records, described in torch's {@code torch/csrc/jit/docs/serialization.md}: the
 * source under {@code code/}, and in {@code data.pkl} one object of the module's class with its attributes, as a pickle
 * of protocol 2.
 */
public final class TorchScriptArchive {
    /** The attribute value of an empty list, which a method of the module fills. */
    public enum EmptyList {
        TENSORS("build_tensorlist"), INTS("build_intlist"), FLOATS("build_doublelist");

        private final String builder;

        EmptyList(String builder) {
            this.builder = builder;
        }
    }

    // Any prefix would do, but torch wants all records to share one.
    private static final String FOLDER = "module/";
    private static final byte[] EMPTY_TUPLE_PICKLE = {(byte) 0x80, 2, ')', '.'};

    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    private TorchScriptArchive() {}

    /**
     * @param className  the module's class in the source, declared as {@code class className(Module):}
     * @param source     TorchScript source
     * @param attributes value of each attribute that the class declares: Boolean, Integer, Double, String, null for
     *                   None, or {@link EmptyList}
     * @return the archive's bytes, the same for the same input
     * @throws IllegalArgumentException for a value of another type
     */
    public static byte[] write(String className, String source, Map<String, Object> attributes) {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(archive)) {
            store(zip, "data.pkl", new TorchScriptArchive().module(className, attributes));
            store(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
            store(zip, "constants.pkl", EMPTY_TUPLE_PICKLE);
            // operators as of the tenth version of their set, torch 1.12; gelu knows its approximation since then
            store(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
            store(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot happen: the archive is written to memory", e);
        }
        return archive.toByteArray();
    }

    private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(content);
        ZipEntry entry = new ZipEntry(FOLDER + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCrc(crc.getValue());
        entry.setTime(0);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }

    private byte[] module(String className, Map<String, Object> attributes) {
        opcodes("\u0080\u0002"); // PROTO 2
        global("__torch__", className);
        opcodes(")\u0081}("); // EMPTY_TUPLE NEWOBJ EMPTY_DICT MARK
        attributes.forEach((name, value) -> {
            text(name);
            value(value);
        });
        opcodes("ub."); // SETITEMS BUILD STOP
        return pickle.toByteArray();
    }

    private void value(Object value) {
        if (value == null) {
            opcodes("N");
        } else if (value instanceof Boolean flag) {
            opcodes(flag ? "\u0088" : "\u0089");
        } else if (value instanceof Integer number) {
            opcodes("J");
            pickle.writeBytes(littleEndian(number));
        } else if (value instanceof Double number) {
            opcodes("G");
            pickle.writeBytes(ByteBuffer.allocate(Double.BYTES).putDouble(number).array());
        } else if (value instanceof String string) {
            text(string);
        } else if (value instanceof EmptyList list) {
            emptyList(list.builder);
        } else {
            throw new IllegalArgumentException("A TorchScript attribute cannot be a " + value.getClass().getName());
        }
    }

    private void emptyList(String builder) {
        global("torch.jit._pickle", builder);
        opcodes("(]tR"); // MARK EMPTY_LIST TUPLE REDUCE
    }

    private void global(String module, String name) {
        opcodes("c" + module + "\n" + name + "\n");
    }

    private void text(String string) {
        byte[] utf8 = string.getBytes(StandardCharsets.UTF_8);
        opcodes("X");
        pickle.writeBytes(littleEndian(utf8.length));
        pickle.writeBytes(utf8);
    }

    private void opcodes(String opcodes) {
        pickle.writeBytes(opcodes.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] littleEndian(int number) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array();
    }
}
