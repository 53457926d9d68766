package dev.lockstep.world.verbs;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.jspecify.annotations.Nullable;

/** Objects as JSON in UTF-8. The type is the caller's, never the sender's, and nothing is serialized Java. */
public final class JsonCodec<T> implements Codec<T> {
    private static volatile @Nullable ObjectMapper own; // the program's

    private final ObjectMapper mapper;
    private final JavaType type;
    private final ObjectReader reader;

    private JsonCodec(ObjectMapper mapper, JavaType type) {
        this.mapper = mapper;
        this.type = type;
        this.reader = mapper.readerFor(type);
    }

    /** Apart, so that a program with a mapper of its own does not wait until this one has looked for modules. */
    private static final class Standard {
        static final ObjectMapper MAPPER = forStreams(JsonMapper.builder().findAndAddModules()
                // a time is of the zone that it was sent with
                .disable(DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
                .enable(SerializationFeature.WRITE_DATES_WITH_ZONE_ID)
                .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS).build());
    }

    /**
     * Has all values written and read as this mapper would.
     *
     * @throws IllegalArgumentException when it cannot be copied
     */
    public static void use(ObjectMapper mapper) {
        try {
            own = forStreams(mapper.copy());
        } catch (IllegalStateException e) {
            throw new IllegalArgumentException("the mapper cannot be copied: " + e.getMessage(), e);
        }
    }

    private static ObjectMapper mapper() {
        ObjectMapper given = own;
        return given == null ? Standard.MAPPER : given;
    }

    private static ObjectMapper forStreams(ObjectMapper mapper) {
        // Jackson's limits guard against strangers' documents; these come from our own ranks
        mapper.getFactory().setStreamReadConstraints(StreamReadConstraints.builder()
                .maxStringLength(Integer.MAX_VALUE).maxNumberLength(Integer.MAX_VALUE).build());
        mapper.getFactory().disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
        mapper.getFactory().disable(JsonParser.Feature.AUTO_CLOSE_SOURCE);
        // one write for many items rather than one for each
        return mapper.disable(SerializationFeature.FLUSH_AFTER_WRITE_VALUE);
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
        ObjectMapper mapper = mapper();
        return new JsonCodec<>(mapper, mapper.constructType(type));
    }

    /** For lists of these values. */
    public JsonCodec<List<T>> list() {
        return new JsonCodec<>(mapper, mapper.getTypeFactory().constructCollectionType(List.class, type));
    }

    @Override
    public Kind kind() {
        return Kind.OBJECTS;
    }

    @Override
    public void write(@Nullable T value, OutputStream out) throws IOException {
        try (JsonGenerator generator = mapper.createGenerator(out)) {
            write(value, generator);
        }
    }

    /** Writes items one after the other, so that there need never be more than one of them. */
    public void writeAll(Iterator<? extends T> items, OutputStream out) throws IOException {
        try (JsonGenerator generator = mapper.createGenerator(out)) {
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
        try (JsonParser parser = mapper.createParser(in)) {
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

    private void write(@Nullable Object value, JsonGenerator generator) throws IOException {
        try {
            mapper.writeValue(generator, value);
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
