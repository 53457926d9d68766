package dev.lockstep.model;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A small safetensors file in memory, to be written back with something changed. Checks nothing. */
final class SafetensorsFile {
    private final Path file;
    private final ObjectNode header;
    private byte[] data;

    private SafetensorsFile(Path file, ObjectNode header, byte[] data) {
        this.file = file;
        this.header = header;
        this.data = data;
    }

    static SafetensorsFile read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[(int) bytes.getLong()];
        bytes.get(header);
        byte[] data = new byte[bytes.remaining()];
        bytes.get(data);
        return new SafetensorsFile(file, (ObjectNode) new ObjectMapper().readTree(header), data);
    }

    ObjectNode tensor(String name) {
        return (ObjectNode) header.get(name);
    }

    void rename(String name, String other) {
        header.set(other, header.remove(name));
    }

    /** Takes the tensor out of the header and leaves its data. */
    void remove(String name) {
        header.remove(name);
    }

    /** Adds a tensor of zeros, of a type named by its size in bits as F32 or I64 are. */
    void append(String name, String dtype, int... shape) {
        int bytes = Arrays.stream(shape).reduce(Integer.parseInt(dtype.substring(1)), (a, b) -> a * b) / 8;
        ObjectNode entry = header.putObject(name).put("dtype", dtype);
        entry.set("shape", new ObjectMapper().valueToTree(shape));
        entry.putArray("data_offsets").add(data.length).add(data.length + bytes);
        data = Arrays.copyOf(data, data.length + bytes);
    }

    /** Stores BF16 tensors as F32, which is exact: a float's upper half is the bfloat16. */
    void widen(Predicate<String> names) {
        ByteArrayOutputStream wider = new ByteArrayOutputStream();
        header.properties().forEach(field -> {
            if (field.getKey().equals("__metadata__")) {
                return;
            }
            ObjectNode entry = (ObjectNode) field.getValue();
            int from = entry.get("data_offsets").get(0).asInt();
            int to = entry.get("data_offsets").get(1).asInt();
            int begin = wider.size();
            if (names.test(field.getKey())) {
                entry.put("dtype", "F32");
                for (int at = from; at < to; at += 2) {
                    wider.writeBytes(new byte[]{0, 0, data[at], data[at + 1]});
                }
            } else {
                wider.write(data, from, to - from);
            }
            entry.putArray("data_offsets").add(begin).add(wider.size());
        });
        data = wider.toByteArray();
    }

    void write() throws IOException {
        write(header.toString());
    }

    void writeTo(Path other) throws IOException {
        new SafetensorsFile(other, header, data).write();
    }

    void write(String otherHeader) throws IOException {
        byte[] text = otherHeader.getBytes(StandardCharsets.UTF_8);
        Files.write(file, ByteBuffer.allocate(Long.BYTES + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(text.length).put(text).put(data).array());
    }
}
