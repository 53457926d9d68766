package dev.lockstep.wire;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fields of a frame that are more than a number: strings are UTF-8 after their length, lists begin with theirs. */
final class Fields {
    private Fields() {}

    /** @throws IOException also when the ports are none */
    static Traffic readTraffic(DataInputStream in) throws IOException {
        String device = readString(in);
        try {
            return new Traffic(device, PortRange.parse(readString(in)), in.readBoolean());
        } catch (IllegalArgumentException e) {
            throw new IOException(e);
        }
    }

    static List<Integer> readRanks(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<Integer> ranks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ranks.add(in.readInt());
        }
        return ranks;
    }

    static void writeStrings(DataOutputStream out, List<String> texts) throws IOException {
        out.writeInt(texts.size());
        for (String text : texts) {
            writeString(out, text);
        }
    }

    static List<String> readStrings(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            texts.add(readString(in));
        }
        return texts;
    }

    static void writeMap(DataOutputStream out, Map<String, String> map) throws IOException {
        out.writeInt(map.size());
        for (Map.Entry<String, String> entry : map.entrySet()) {
            writeString(out, entry.getKey());
            writeString(out, entry.getValue());
        }
    }

    static Map<String, String> readMap(DataInputStream in) throws IOException {
        int count = in.readInt();
        Map<String, String> map = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            map.put(readString(in), readString(in));
        }
        return map;
    }

    static void writeString(DataOutputStream out, String text) throws IOException {
        writeBytes(out, text.getBytes(StandardCharsets.UTF_8));
    }

    static String readString(DataInputStream in) throws IOException {
        return new String(readBytes(in), StandardCharsets.UTF_8);
    }

    static void writeBytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] readBytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > in.available()) {
            throw new EOFException(length + " bytes announced in a frame with " + in.available() + " left");
        }
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return bytes;
    }

    static void writeAll(DataOutputStream out, List<byte[]> all) throws IOException {
        out.writeInt(all.size());
        for (byte[] each : all) {
            writeBytes(out, each);
        }
    }

    static List<byte[]> readAll(DataInputStream in) throws IOException {
        int count = in.readInt();
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(readBytes(in));
        }
        return all;
    }
}
