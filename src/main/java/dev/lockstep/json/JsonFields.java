package dev.lockstep.json;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/**
 * The fields of one JSON object, read by type. A field that is absent or null is null; one of another type is a
 * {@link FieldException}.
 */
public record JsonFields(JsonNode object) {
    public boolean has(String name) {
        return object.hasNonNull(name);
    }

    /**
     * Which of these names, which mean the same, is there.
     *
     * @throws FieldException when more than one is
     */
    public String either(String... names) {
        var there = Arrays.stream(names).filter(this::has).toList();
        if (there.size() > 1) {
            throw new FieldException(there.get(0), "and " + there.get(1) + " mean the same, so give one of them");
        }
        return there.isEmpty() ? names[0] : there.get(0);
    }

    public @Nullable Boolean flag(String name) {
        if (!has(name)) {
            return null;
        }
        var value = object.get(name);
        if (!value.isBoolean()) {
            throw wrong(name, "true or false", value);
        }
        return value.booleanValue();
    }

    public @Nullable Double number(String name) {
        if (!has(name)) {
            return null;
        }
        var value = object.get(name);
        if (!value.isNumber()) {
            throw wrong(name, "a number", value);
        }
        return value.doubleValue();
    }

    public @Nullable Integer integer(String name) {
        return has(name) ? integer(name, object.get(name)) : null;
    }

    public @Nullable Long longInteger(String name) {
        if (!has(name)) {
            return null;
        }
        var value = object.get(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(name, "a whole number of 64 bits", value);
        }
        return value.longValue();
    }

    /** One whole number or an array of them. */
    public @Nullable List<Integer> integers(String name) {
        return has(name) ? list(name).stream().map(value -> integer(name, value)).toList() : null;
    }

    /** One string or an array of them. */
    public @Nullable List<String> strings(String name) {
        return has(name) ? list(name).stream().map(value -> string(name, value)).toList() : null;
    }

    public @Nullable String string(String name) {
        return has(name) ? string(name, object.get(name)) : null;
    }

    public static FieldException wrong(String name, String wanted, JsonNode value) {
        var text = value.toString();
        return new FieldException(name,
                "must be " + wanted + ", not " + (text.length() <= 40 ? text : text.substring(0, 37) + "..."));
    }

    private List<JsonNode> list(String name) {
        var value = object.get(name);
        if (!value.isArray()) {
            return List.of(value);
        }
        var values = new ArrayList<JsonNode>(value.size());
        value.forEach(values::add);
        return values;
    }

    public static Integer integer(String name, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw wrong(name, "a whole number of 32 bits", value);
        }
        return value.intValue();
    }

    public static String string(String name, JsonNode value) {
        if (!value.isTextual()) {
            throw wrong(name, "a string", value);
        }
        requireUnicode(name, value.textValue());
        return value.textValue();
    }

    /** JSON can escape half a character; no encoder takes it, so it would end the whole job when results are written. */
    public static void requireUnicode(String name, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isHighSurrogate(text.charAt(i)) && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(text.charAt(i))) {
                throw new FieldException(name, "has half of a surrogate pair, which is not a character");
            }
        }
    }
}
