package dev.lockstep.world.verbs;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

import com.fasterxml.jackson.annotation.JsonValue;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What the author of a program is told whose type cannot travel. */
class JsonCodecTest {
    private static final String HERE = JsonCodecTest.class.getName() + "$";

    static final class Hidden {
        private final int x;

        Hidden(int x) {
            this.x = x;
        }

        @Override
        public String toString() {
            return "hidden " + x;
        }
    }

    public static final class Made {
        public final int x;

        public Made(int x) {
            this.x = x;
        }
    }

    interface Shape {
        int getSides();
    }

    abstract static class Base {
        public int x;
    }

    class Inner {
        public int x;
    }

    public static final class Closed {
        public int getX() {
            throw new IllegalStateException("closed");
        }
    }

    static final class Ring {
        public List<Ring> next = new ArrayList<>();
    }

    static final class Itself {
        public Itself me = this;
    }

    record Drawing(Shape shape) {}

    record Holder(String name, Hidden hidden) {}

    record Boxed(Object at) {}

    record Times(Instant at, LocalDate day, Duration took, ZonedDateTime there, OffsetDateTime here,
            Optional<String> name, OptionalInt count) {}

    static final class Metres {
        public int n = 3;

        @JsonValue
        public int n() {
            return n;
        }
    }

    record Items(List<Integer> all) {
        public boolean isEmpty() {
            return all.isEmpty();
        }
    }

    record Positive(int x) {
        Positive {
            if (x <= 0) {
                throw new IllegalArgumentException("not above 0");
            }
        }
    }

    record Number(int x) {}

    private static void copyFails(Object value, Class<?> type, String message) {
        assertThatThrownBy(() -> JsonCodec.of(type).copy(value)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void write_typeThatCannotBeWritten_saysWhatItLacks() {
        copyFails(new Hidden(1), Hidden.class, HERE
                + "Hidden cannot be sent as JSON: it has no getters and no public fields: make it a record");
        copyFails(new Holder("a", new Hidden(1)), Holder.class, HERE + "Hidden cannot be sent as JSON (it is hidden of "
                + HERE + "Holder): it has no getters and no public fields: make it a record");
        copyFails(new Object(), Object.class, "java.lang.Object cannot be sent as JSON: it is a type of Java's own "
                + "that Jackson does not write: send its text or numbers instead");
        copyFails(new Boxed(new Object()), Boxed.class, "java.lang.Object cannot be sent as JSON (it is at of " + HERE
                + "Boxed): it is a type of Java's own that Jackson does not write: send its text or numbers instead");
        copyFails(new Closed(), Closed.class, HERE + "Closed cannot be sent as JSON: x of " + HERE
                + "Closed ended with java.lang.IllegalStateException: closed");
    }

    @Test
    void write_valueWithoutAnEnd_isNamed() {
        copyFails(new Itself(), Itself.class, HERE + "Itself cannot be sent as JSON (it is me of " + HERE
                + "Itself): it holds itself, and JSON has no end then: make it a record of values");
        Ring ring = new Ring();
        ring.next.add(ring);
        copyFails(ring, Ring.class, HERE
                + "Ring cannot be sent as JSON: it is more than 1,000 objects deep, or objects of it hold each other");
    }

    @Test
    void read_typeThatCannotBeMade_saysWhatItLacks() {
        copyFails(new Made(1), Made.class,
                HERE + "Made cannot be made of JSON: it has no constructor without parameters: make it a record");
        copyFails((Shape) () -> 3, Shape.class,
                HERE + "Shape cannot be made of JSON: it is an interface, and JSON does "
                        + "not say of which class the value was: name that class, and make it a record");
        copyFails(new Base() {
        }, Base.class, HERE + "Base cannot be made of JSON: it is an abstract class, and JSON does not say of which "
                + "class the value was: name that class, and make it a record");
        copyFails(new Drawing(() -> 3), Drawing.class, HERE + "Shape cannot be made of JSON (it is shape of " + HERE
                + "Drawing): it is an interface, and JSON does not say of which class the value was: name that class, "
                + "and make it a record");
        copyFails(new Inner(), Inner.class,
                HERE + "Inner cannot be made of JSON: it is an inner class, which is not made "
                        + "without its outer one: make it a record, or static");
        copyFails(new Items(List.of(1)), Items.class, HERE
                + "Items cannot be made of JSON: isEmpty() counts as a value "
                + "of it, which is sent and which nothing can set: name the method otherwise, or annotate it with "
                + "@JsonIgnore");
    }

    @Test
    void read_typeWrittenAsOneValueWithoutAWayBack_blamesTheType() {
        copyFails(new Metres(), Metres.class, HERE + "Metres cannot be made of JSON: it is written as its "
                + "@JsonValue, and has no constructor or static method that takes one: annotate one with @JsonCreator");
    }

    @Test
    void copy_timesAndOptionals_areEqual() throws IOException {
        Times times = new Times(Instant.ofEpochSecond(1_700_000_000L, 123_456_789), LocalDate.of(2024, 2, 29),
                Duration.ofNanos(1_234_567_890_123L),
                ZonedDateTime.of(2024, 7, 1, 12, 0, 0, 1, ZoneId.of("Europe/Berlin")),
                OffsetDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneOffset.ofHours(-3)), Optional.of("a"),
                OptionalInt.empty());
        assertThat(JsonCodec.<Times>of(Times.class).copy(times)).isEqualTo(times);
    }

    @Test
    void read_constructorThatRefuses_isQuoted() {
        assertThatThrownBy(() -> read("{\"x\": -1}", Positive.class)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(HERE + "Positive cannot be made of JSON: its constructor ended with "
                        + "java.lang.IllegalArgumentException: not above 0");
    }

    @Test
    void read_valueOfAnotherType_asksWhetherRanksNameTheSame() {
        for (String value : List.of("\"text\"", "[1]", "{\"y\": 1}")) {
            assertThatThrownBy(() -> read(value, Number.class)).isInstanceOf(UncheckedIOException.class)
                    .hasMessage("a value that another rank sent cannot be read as " + HERE
                            + "Number: do both ranks name the same type?");
        }
    }

    @Test
    void lists_ofATypeThatCannotTravel_nameTheType() {
        String why = " cannot be made of JSON (it is item 0): it has no constructor without parameters: make it a record";
        assertThatThrownBy(() -> JsonCodec.<Made>of(Made.class).list().copy(List.of(new Made(1))))
                .hasMessage(HERE + "Made" + why);
        assertThatThrownBy(() -> JsonCodec.<Made>of(Made.class).readAll(stream("[{\"x\": 1}]"), made -> {
        })).hasMessage(
                HERE + "Made cannot be made of JSON: it has no constructor without parameters: make it a record");
        assertThatThrownBy(() -> JsonCodec.<Hidden>of(Hidden.class).writeAll(List.of(new Hidden(1)).iterator(),
                new ByteArrayOutputStream())).hasMessageStartingWith(HERE + "Hidden cannot be sent as JSON: ");
    }

    @Test
    void copy_record_isEqual() throws IOException {
        assertThat(JsonCodec.<Number>of(Number.class).copy(new Number(3))).isEqualTo(new Number(3));
    }

    private static Object read(String json, Type type) throws IOException {
        return JsonCodec.of(type).read(stream(json));
    }

    private static InputStream stream(String json) {
        return new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
    }
}
