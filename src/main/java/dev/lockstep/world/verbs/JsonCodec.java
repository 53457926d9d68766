package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.jspecify.annotations.Nullable;

/** Objects as JSON in UTF-8. The type is the caller's, never the sender's, and nothing is serialized Java. */
public final class JsonCodec<T> implements Codec<T> {
    /** Jackson's limits guard against strangers' documents; these come from our own ranks. */
    private static final ObjectMapper MAPPER = JsonMapper
            .builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE)
                            .maxNumberLength(Integer.MAX_VALUE).build())
                    .build())
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).disable(JsonParser.Feature.AUTO_CLOSE_SOURCE)
            // one write for many items rather than one for each
            .disable(SerializationFeature.FLUSH_AFTER_WRITE_VALUE).build();

    private final JavaType type;
    private final ObjectReader reader;

    private JsonCodec(JavaType type) {
        this.type = type;
        this.reader = MAPPER.readerFor(type);
    }

    private record Example(int number, double real, String text, List<Integer> items) {}

    /**
     * Takes its first values, which take far longer than all that come after: in a thread beside a program that has to wait
     * anyway.
     */
    public static void warmUp() {
        Thread thread = new Thread(() -> {
            try {
                JsonCodec.<Example>of(Example.class).copy(new Example(1, 0.5, "text", List.of(1)));
            } catch (IOException | RuntimeException | LinkageError e) {
                // whoever needs values will be told
            }
        }, "lockstep-json");
        thread.setDaemon(true);
        thread.start();
    }

    public static <T> JsonCodec<T> of(Type type) {
        return new JsonCodec<>(MAPPER.constructType(type));
    }

    /** For lists of these values. */
    public JsonCodec<List<T>> list() {
        return new JsonCodec<>(MAPPER.getTypeFactory().constructCollectionType(List.class, type));
    }

    @Override
    public Kind kind() {
        return Kind.OBJECTS;
    }

    @Override
    public void write(@Nullable T value, OutputStream out) throws IOException {
        try (JsonGenerator generator = MAPPER.createGenerator(out)) {
            write(value, generator);
        }
    }

    /** Writes items one after the other, so that there need never be more than one of them. */
    public void writeAll(Iterator<? extends T> items, OutputStream out) throws IOException {
        try (JsonGenerator generator = MAPPER.createGenerator(out)) {
            generator.writeStartArray();
            while (items.hasNext()) {
                write(items.next(), generator);
            }
            generator.writeEndArray();
        }
    }

    @Override
    public T read(InputStream in) throws IOException {
        try {
            return reader.readValue(in);
        } catch (JsonProcessingException e) {
            throw cannotBeRead(e);
        }
    }

    /** Reads what {@link #writeAll} wrote. */
    public void readAll(InputStream in, Consumer<? super T> items) throws IOException {
        try (JsonParser parser = MAPPER.createParser(in)) {
            parser.nextToken();
            for (JsonToken token; (token = parser.nextToken()) != JsonToken.END_ARRAY;) {
                T item;
                try {
                    item = token == JsonToken.VALUE_NULL ? null : reader.readValue(parser);
                } catch (JsonProcessingException e) {
                    throw cannotBeRead(e);
                }
                items.accept(item);
            }
        }
    }

    private static void write(@Nullable Object value, JsonGenerator generator) throws IOException {
        try {
            MAPPER.writeValue(generator, value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(JsonFault.writing(value, e), e);
        }
    }

    private RuntimeException cannotBeRead(JsonProcessingException e) {
        String fault = JsonFault.reading(e);
        return fault != null
                ? new IllegalArgumentException(fault, e)
                : new UncheckedIOException("a value that another rank sent cannot be read as " + type.toCanonical()
                        + ": do both ranks name the same type?", e);
    }
}
