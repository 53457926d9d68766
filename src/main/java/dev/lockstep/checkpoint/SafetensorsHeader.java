package dev.lockstep.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.ModelException;
import dev.lockstep.model.ModelFile;

/**
 * The header of one safetensors file, checked against the file's length without reading a byte of data: eight bytes of
 * little-endian length, a JSON object of tensors, the data. The rules are those of the
 * <a href="https://github.com/huggingface/safetensors#format">format</a>: the tensors' ranges tile the data, without
 * overlap and without a hole.
 */
public final class SafetensorsHeader {
    /** The reference implementation's limit, which keeps a damaged length from becoming a huge allocation. */
    private static final long LONGEST_HEADER = 100_000_000;

    /** Models of hundreds of layers and experts, in one file, have a tenth of it; each takes some of the heap. */
    private static final int MOST_TENSORS = 250_000;
    private static final int MOST_DIMENSIONS = 64;

    private static final Map<String, Integer> ELEMENT_BITS = Map.ofEntries(Map.entry("BOOL", 8), Map.entry("F4", 4),
            Map.entry("F6_E2M3", 6), Map.entry("F6_E3M2", 6), Map.entry("U8", 8), Map.entry("I8", 8),
            Map.entry("F8_E4M3", 8), Map.entry("F8_E5M2", 8), Map.entry("F8_E8M0", 8), Map.entry("F8_E4M3FNUZ", 8),
            Map.entry("F8_E5M2FNUZ", 8), Map.entry("I16", 16), Map.entry("U16", 16), Map.entry("F16", 16),
            Map.entry("BF16", 16), Map.entry("I32", 32), Map.entry("U32", 32), Map.entry("F32", 32),
            Map.entry("I64", 64), Map.entry("U64", 64), Map.entry("F64", 64), Map.entry("C64", 64));

    /** One tensor as the file describes it; {@code offset} counts from the start of the file. */
    public record Entry(String name, String dtype, int[] shape, long offset, long bytes) {}

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
    public static List<Entry> read(Path file) {
        ModelFile.requireRegular(file);
        try (FileChannel channel = FileChannel.open(file)) {
            long fileBytes = channel.size();
            byte[] head = bytes(channel, 0, (int) Math.min(fileBytes, 512)).array();
            Optional<String> mistaken = ModelFile.mistaken(head);
            if (mistaken.isPresent()) {
                throw new ModelException(file + mistaken.get());
            }
            if (fileBytes < Long.BYTES) {
                throw new ModelException(file + " is truncated: it has " + fileBytes
                        + " bytes, fewer than the 8 that a safetensors file begins with.");
            }
            long headerBytes = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (headerBytes < 0 || headerBytes > LONGEST_HEADER) {
                Optional<String> text = ModelFile.snippet(head);
                throw new ModelException(text.isPresent()
                        ? file + " is text and no safetensors file; it begins with \"" + text.get()
                                + "\": download it again."
                        : file + " is not a safetensors file: its header would have "
                                + Long.toUnsignedString(headerBytes) + " bytes.");
            }
            long dataStart = Long.BYTES + headerBytes;
            if (dataStart > fileBytes) {
                throw new ModelException(file + " is truncated: its header ends at byte " + dataStart
                        + " but the file has " + fileBytes + " bytes.");
            }
            byte[] header = bytes(channel, Long.BYTES, (int) headerBytes).array();
            return new SafetensorsHeader(file, fileBytes, dataStart).entries(header);
        } catch (IOException e) {
            throw ModelFile.unreadable(file, e);
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

    /** Goes through the header value by value: as a tree it could be ten times as large. */
    private List<Entry> entries(byte[] header) {
        List<Entry> entries = new ArrayList<>();
        try (JsonParser parser = JsonFile.JSON.createParser(header)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new ModelException(file + "'s header must hold a JSON object.");
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("__metadata__")) {
                    parser.skipChildren();
                    continue;
                }
                if (entries.size() == MOST_TENSORS) {
                    throw new ModelException(file + "'s header names more than " + MOST_TENSORS + " tensors.");
                }
                entries.add(entry(name, described(name, parser)));
            }
            if (parser.nextToken() != null) {
                throw new ModelException(file + "'s header goes on after its JSON object.");
            }
        } catch (IOException e) {
            throw JsonFile.invalid(file, "'s header", e, header);
        }
        entries.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(Entry::bytes));
        checkTiling(entries);
        return entries;
    }

    /** What the header says of one tensor, without what nobody asks for. */
    private ObjectNode described(String name, JsonParser parser) throws IOException {
        ObjectNode described = JsonFile.JSON.createObjectNode();
        if (!parser.isExpectedStartObjectToken()) {
            throw fault(name, "is not described by an object");
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            JsonToken value = parser.nextToken();
            if (value == JsonToken.VALUE_STRING && key.equals("dtype")) {
                described.put(key, parser.getText());
            } else if (value == JsonToken.START_ARRAY && (key.equals("shape") || key.equals("data_offsets"))) {
                described.set(key, list(name, key, parser));
            } else {
                parser.skipChildren();
            }
        }
        return described;
    }

    private ArrayNode list(String name, String key, JsonParser parser) throws IOException {
        ArrayNode list = JsonFile.JSON.createArrayNode();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (list.size() == MOST_DIMENSIONS || parser.currentToken().isStructStart()) {
                throw fault(name, "has " + key + " that are no list of at most " + MOST_DIMENSIONS + " integers");
            }
            if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
                list.add(parser.getBigIntegerValue());
            } else {
                list.add(parser.getText());
            }
        }
        return list;
    }

    private Entry entry(String name, JsonNode node) {
        String dtype = node.path("dtype").asText();
        Integer elementBits = ELEMENT_BITS.get(dtype);
        if (elementBits == null) {
            throw fault(name, "has no dtype that is known (" + JsonFile.printable(node.path("dtype")) + ")");
        }
        long[] range = numbers(name, node.path("data_offsets"), "data_offsets");
        if (range.length != 2 || range[0] > range[1] || range[1] > Long.MAX_VALUE - dataStart) {
            throw fault(name, "has data_offsets " + Arrays.toString(range) + ", which are not a range");
        }
        long[] sizes = numbers(name, node.path("shape"), "shape");
        long bits = elementBits;
        int[] shape = new int[sizes.length];
        try {
            for (int i = 0; i < sizes.length; i++) {
                shape[i] = Math.toIntExact(sizes[i]);
                bits = Math.multiplyExact(bits, sizes[i]);
            }
        } catch (ArithmeticException e) {
            throw fault(name, "has shape " + Arrays.toString(sizes) + ", which is too large");
        }
        long bytes = bits / Byte.SIZE + (bits % Byte.SIZE == 0 ? 0 : 1);
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
                throw fault(name,
                        "has " + what + " " + JsonFile.printable(array) + ", which must be a list of integers from 0");
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
        String last = "";
        for (Entry entry : entries) {
            if (entry.offset + entry.bytes > fileBytes) {
                throw fault(entry.name, "ends at byte " + (entry.offset + entry.bytes) + " but the file has "
                        + fileBytes + " bytes: it is truncated");
            }
            if (entry.offset < end) {
                throw fault(entry.name, "overlaps tensor " + Printable.cut(last));
            }
            if (entry.offset > end) {
                throw fault(entry.name, "begins at byte " + entry.offset + ", leaving a hole after byte " + end);
            }
            end = entry.offset + entry.bytes;
            last = entry.name;
        }
        if (end != fileBytes) {
            throw new ModelException(
                    file + " has " + fileBytes + " bytes, but its tensors end at byte " + end + ".");
        }
    }

    private ModelException fault(String name, String what) {
        return new ModelException(file + ": tensor " + Printable.cut(name) + " " + what + ".");
    }
}
