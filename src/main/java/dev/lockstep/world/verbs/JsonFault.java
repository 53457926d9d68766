package dev.lockstep.world.verbs;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.InvalidDefinitionException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import org.jspecify.annotations.Nullable;

/** What Jackson's complaints mean to the author of a program: which type cannot travel, what it lacks, what to do. */
public final class JsonFault {
    private JsonFault() {}

    /** Why a value cannot be written. */
    public static String writing(@Nullable Object value, JsonProcessingException fault) {
        if (fault instanceof InvalidDefinitionException definition && definition.getType() != null) {
            Class<?> type = definition.getType().getRawClass();
            String lack = String.valueOf(fault.getOriginalMessage()).contains("self-reference")
                    ? "it holds itself, and JSON has no end then: make it a record of values"
                    : hasValue(type)
                            ? "it is a type of Java's own that Jackson does not write: send its text or numbers instead"
                            : "it has no getters and no public fields: make it a record";
            return type.getName() + " cannot be sent as JSON" + within(definition) + ": " + lack;
        }
        String type = value == null ? "null" : value.getClass().getName();
        if (fault.getCause() != null && !(fault.getCause() instanceof JsonProcessingException)) {
            return type + " cannot be sent as JSON: " + place(fault) + " ended with " + fault.getCause();
        }
        return String.valueOf(fault.getOriginalMessage()).contains("nesting depth")
                ? type + " cannot be sent as JSON: it is more than 1,000 objects deep, or objects of it hold each other"
                : type + " cannot be sent as JSON: " + fault.getOriginalMessage();
    }

    /** Why values of a type cannot be read, whoever wrote them; null where it is the value that does not fit. */
    public static @Nullable String reading(JsonProcessingException fault) {
        if (fault instanceof InvalidDefinitionException definition && definition.getType() != null) {
            return unreadable(definition.getType().getRawClass(), within(definition));
        }
        if (fault instanceof UnrecognizedPropertyException property && !property.getPropertyName().isEmpty()) {
            return derived(property.getReferringClass(), property.getPropertyName());
        }
        if (fault instanceof ValueInstantiationException made && made.getType() != null && made.getCause() != null) {
            return made.getType().getRawClass().getName() + " cannot be made of JSON" + within(made)
                    + ": its constructor ended with " + made.getCause();
        }
        if (fault instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null
                && isWrittenAsOneValue(mismatch.getTargetType())
                && String.valueOf(fault.getOriginalMessage()).contains("-argument constructor/factory method")) {
            return mismatch.getTargetType().getName() + " cannot be made of JSON" + within(mismatch)
                    + ": it is written as its @JsonValue, and has no constructor or static method that takes one: "
                    + "annotate one with @JsonCreator";
        }
        if (fault instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null
                && String.valueOf(fault.getOriginalMessage()).contains("no delegate- or property-based Creator")) {
            return unreadable(mismatch.getTargetType(), within(mismatch));
        }
        return null;
    }

    private static String unreadable(Class<?> type, String within) {
        String lack;
        if (type.isMemberClass() && !Modifier.isStatic(type.getModifiers())) {
            lack = "it is an inner class, which is not made without its outer one: make it a record, or static";
        } else if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
            lack = "it is " + (type.isInterface() ? "an interface" : "an abstract class")
                    + ", and JSON does not say of which class the value was: name that class, and make it a record";
        } else if (hasValue(type)) {
            lack = "it is a type of Java's own that Jackson does not read: send its text or numbers instead";
        } else if (Stream.of(type.getAnnotations())
                .anyMatch(each -> each.annotationType().getName().equals("kotlin.Metadata"))) {
            lack = "it is a class of Kotlin's: have com.fasterxml.jackson.module:jackson-module-kotlin on the class path, "
                    + "which is found there";
        } else {
            lack = "it has no constructor without parameters: make it a record";
        }
        return type.getName() + " cannot be made of JSON" + within + ": " + lack;
    }

    private static boolean isWrittenAsOneValue(Class<?> type) {
        return Stream
                .<AccessibleObject>concat(Stream.of(type.getDeclaredMethods()), Stream.of(type.getDeclaredFields()))
                .anyMatch(each -> each.isAnnotationPresent(JsonValue.class));
    }

    /** A getter of what is computed, written as a value and then without a place to be read to. */
    private static @Nullable String derived(Class<?> type, String name) {
        String upper = Character.toUpperCase(name.charAt(0)) + name.substring(1);
        return Stream.of(type.getMethods()).filter(method -> method.getParameterCount() == 0).map(Method::getName)
                .filter(getter -> getter.equals("get" + upper) || getter.equals("is" + upper)).findFirst()
                .map(getter -> type.getName() + " cannot be made of JSON: " + getter + "() counts as a value of it, "
                        + "which is sent and which nothing can set: name the method otherwise, or annotate it with "
                        + "@JsonIgnore")
                .orElse(null);
    }

    private static boolean hasValue(Class<?> type) {
        return type.getName().startsWith("java.");
    }

    /** Where in the value, if not all of it. */
    private static String within(JsonMappingException fault) {
        return fault.getPath().isEmpty() ? "" : " (it is " + place(fault) + ")";
    }

    private static String place(JsonProcessingException fault) {
        if (!(fault instanceof JsonMappingException mapping) || mapping.getPath().isEmpty()) {
            return "it";
        }
        JsonMappingException.Reference last = mapping.getPath().get(mapping.getPath().size() - 1);
        Object from = last.getFrom();
        String owner = from == null ? "" : (from instanceof Class<?> type ? type : from.getClass()).getName();
        return last.getFieldName() == null ? "item " + last.getIndex() : last.getFieldName() + " of " + owner;
    }
}
