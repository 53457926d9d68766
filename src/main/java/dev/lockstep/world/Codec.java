package dev.lockstep.world;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.util.List;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** Values as bytes: JSON in UTF-8, and no bytes at all for null. Never Java serialization. */
final class Codec {
    /** Jackson's limits guard against strangers' documents; these come from our own ranks. */
    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE).build())
            .build()).build();

    private Codec() {}

    static JavaType type(Type type) {
        return MAPPER.constructType(type);
    }

    static JavaType listOf(JavaType element) {
        return MAPPER.getTypeFactory().constructCollectionType(List.class, element);
    }

    /** @throws IllegalArgumentException when Jackson cannot write the value */
    static byte[] encode(Object value) {
        if (value == null) {
            return new byte[0];
        }
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("a " + value.getClass().getName() + " cannot be sent as JSON: "
                    + e.getOriginalMessage(), e);
        }
    }

    /** @throws UncheckedIOException when the bytes do not say a value of that type */
    static <T> T decode(byte[] bytes, JavaType type) {
        if (bytes.length == 0) {
            return null;
        }
        try {
            return MAPPER.readValue(bytes, type);
        } catch (IOException e) {
            throw new UncheckedIOException("a value that another rank sent cannot be read as "
                    + type.toCanonical() + ": do both ranks name the same type?", e);
        }
    }
}
