package dev.lockstep.json;

import java.io.IOException;
import java.io.InputStream;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.core.util.Separators.Spacing;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/** How the job reads and writes JSON files. */
public final class Json {
    /** Refuses a line that goes on after its value; has no limit on a prompt's length; writes an emoji as itself. */
    public static final ObjectMapper MAPPER = JsonMapper
            .builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
                    .build())
            .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
            // Python writes and reads NaN and Infinity; where a row means one, it is the field that is refused
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
            // one write for many results rather than one for each
            .disable(SerializationFeature.FLUSH_AFTER_WRITE_VALUE)
            .build();

    private static final JsonFactory UNLIMITED = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE).maxNumberLength(Integer.MAX_VALUE)
                    .maxNestingDepth(Integer.MAX_VALUE).build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

    private static final DefaultIndenter INDENT = new DefaultIndenter("  ", "\n");

    private Json() {}

    /** Reads an array value by value, none of which can spoil the others by its size. */
    public static JsonArrayReader rows(InputStream in) throws IOException {
        JsonParser parser = UNLIMITED.createParser(in);
        parser.setCodec(MAPPER);
        return new JsonArrayReader(parser);
    }

    /** The parser's reason without the list of everything it would have liked better. */
    public static String reason(JsonProcessingException e) {
        if (e instanceof StreamConstraintsException) {
            String message = String.valueOf(e.getOriginalMessage());
            return message.contains("depth")
                    ? "it is nested more than 1,000 deep"
                    : message.contains("Number")
                            ? "it has a number of more than 1,000 digits"
                            : message.contains("Name")
                                    ? "it has a name of more than 50,000 characters"
                                    : "it is too long";
        }
        return e.getOriginalMessage().replaceAll("\\s+", " ").replaceAll("(: was expecting|: expected| \\().*", "");
    }

    /** Indented by two, {@code "name": value}; arrays of numbers stay on one line. */
    public static ObjectWriter pretty() {
        var separators = Separators.createDefaultInstance().withObjectFieldValueSpacing(Spacing.AFTER);
        var printer = new DefaultPrettyPrinter(separators);
        printer.indentObjectsWith(INDENT);
        return MAPPER.writer(printer);
    }
}
