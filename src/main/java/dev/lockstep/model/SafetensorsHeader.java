package dev.lockstep.model;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The header of one safetensors file, checked against the file's length without reading a byte of data: eight bytes of
 * little-endian length, a JSON object of tensors, the data. The rules are those of the
 * <a href="https://github.com/huggingface/safetensors#format">format</a>: the tensors' ranges tile the data, without
 * overlap and without a hole.
 */
final class SafetensorsHeader {
    /** The reference implementation's limit, which keeps a damaged length from becoming a huge allocation. */
    private static final long LONGEST_HEADER = 100_000_000;

    private static final Map<String, Integer> ELEMENT_BYTES = Map.ofEntries(Map.entry("BOOL", 1), Map.entry("U8", 1),
            Map.entry("I8", 1), Map.entry("F8_E4M3", 1), Map.entry("F8_E5M2", 1), Map.entry("F8_E8M0", 1),
            Map.entry("I16", 2), Map.entry("U16", 2), Map.entry("F16", 2), Map.entry("BF16", 2), Map.entry("I32", 4),
            Map.entry("U32", 4), Map.entry("F32", 4), Map.entry("I64", 8), Map.entry("U64", 8), Map.entry("F64", 8),
            Map.entry("C64", 8));

    /** One tensor as the file describes it; {@code offset} counts from the start of the file. */
    record Entry(String name, String dtype, int[] shape, long offset, long bytes) {}

    private final Path file;
    private final long fileBytes;
    private final long dataStart;

    private SafetensorsHeader(Path file, long fileBytes, long dataStart) {
        this.file = file;
        this.fileBytes = fileBytes;
        this.dataStart = dataStart;
    }

    /**
     * @return the file's tensors in the order of their data
     * @throws ModelException when the file is absent, cut off, or contradicts itself
     */
    static List<Entry> read(Path file) {
        try (FileChannel channel = FileChannel.open(file)) {
            long fileBytes = channel.size();
            if (fileBytes < Long.BYTES) {
                throw new ModelException(file + " is truncated: it has " + fileBytes
                        + " bytes, fewer than the 8 that a safetensors file begins with.");
            }
            long headerBytes = bytes(channel, 0, Long.BYTES).getLong();
            if (headerBytes < 0 || headerBytes > LONGEST_HEADER) {
                throw new ModelException(file + " is not a safetensors file: its header would have "
                        + Long.toUnsignedString(headerBytes) + " bytes.");
            }
            long dataStart = Long.BYTES + headerBytes;
            if (dataStart > fileBytes) {
                throw new ModelException(file + " is truncated: its header ends at byte " + dataStart
                        + " but the file has " + fileBytes + " bytes.");
            }
            byte[] header = bytes(channel, Long.BYTES, (int) headerBytes).array();
            return new SafetensorsHeader(file, fileBytes, dataStart).entries(JsonFile.parse(file, header, "'s header"));
        } catch (IOException e) {
            throw new ModelException(
                    file + (Files.exists(file) ? " cannot be read: " + e.getMessage() : " does not exist") + ".", e);
        }
    }

    private static ByteBuffer bytes(FileChannel channel, long position, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException("it became shorter while it was read");
            }
        }
        return buffer.flip();
    }

    private List<Entry> entries(JsonFile header) {
        List<Entry> entries = new ArrayList<>();
        header.object().properties().forEach(field -> {
            if (!field.getKey().equals("__metadata__")) {
                entries.add(entry(field.getKey(), field.getValue()));
            }
        });
        entries.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(Entry::bytes));
        checkTiling(entries);
        return entries;
    }

    private Entry entry(String name, JsonNode node) {
        String dtype = node.path("dtype").asText();
        Integer elementBytes = ELEMENT_BYTES.get(dtype);
        if (elementBytes == null) {
            throw fault(name, "has no dtype that is known (" + node.path("dtype") + ")");
        }
        long[] range = numbers(name, node.path("data_offsets"), "data_offsets");
        if (range.length != 2 || range[0] > range[1] || range[1] > Long.MAX_VALUE - dataStart) {
            throw fault(name, "has data_offsets " + Arrays.toString(range) + ", which are not a range");
        }
        long[] sizes = numbers(name, node.path("shape"), "shape");
        long bytes = elementBytes;
        int[] shape = new int[sizes.length];
        try {
            for (int i = 0; i < sizes.length; i++) {
                shape[i] = Math.toIntExact(sizes[i]);
                bytes = Math.multiplyExact(bytes, sizes[i]);
            }
        } catch (ArithmeticException e) {
            throw fault(name, "has shape " + Arrays.toString(sizes) + ", which is too large");
        }
        if (bytes != range[1] - range[0]) {
            throw fault(name, "of shape " + Arrays.toString(shape) + " and dtype " + dtype + " needs " + bytes
                    + " bytes, but its data_offsets " + Arrays.toString(range) + " hold " + (range[1] - range[0]));
        }
        return new Entry(name, dtype, shape, dataStart + range[0], bytes);
    }

    private long[] numbers(String name, JsonNode array, String what) {
        long[] numbers = new long[array.size()];
        for (int i = 0; i < numbers.length; i++) {
            JsonNode number = array.get(i);
            if (number == null || !number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
                throw fault(name, "has " + what + " " + array + ", which must be a list of integers from 0");
            }
            numbers[i] = number.longValue();
        }
        if (!array.isArray()) {
            throw fault(name, "has no " + what);
        }
        return numbers;
    }

    private void checkTiling(List<Entry> entries) {
        long end = dataStart;
        Entry last = null;
        for (Entry entry : entries) {
            if (entry.offset + entry.bytes > fileBytes) {
                throw fault(entry.name, "ends at byte " + (entry.offset + entry.bytes) + " but the file has "
                        + fileBytes + " bytes: it is truncated");
            }
            if (entry.offset < end) {
                throw fault(entry.name, "overlaps tensor " + last.name);
            }
            if (entry.offset > end) {
                throw fault(entry.name, "begins at byte " + entry.offset + ", leaving a hole after byte " + end);
            }
            end = entry.offset + entry.bytes;
            last = entry;
        }
        if (end != fileBytes) {
            throw new ModelException(
                    file + " has " + fileBytes + " bytes, but its tensors end at byte " + end + ".");
        }
    }

    private ModelException fault(String name, String what) {
        return new ModelException(file + ": tensor " + name + " " + what + ".");
    }
}
