package dev.lockstep.json;

import java.io.IOException;
import java.util.Locale;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvGenerator;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;

/** Tables of text as spreadsheets and pandas have them: a line of names, then a line for each row, cells in quotes where need be. */
public final class Csv {
    private static final CsvMapper MAPPER = CsvMapper
            .builder(CsvFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(CsvGenerator.Feature.STRICT_CHECK_FOR_QUOTING)
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET).build();

    private Csv() {}

    /** Whether a file of this name is such a table. */
    public static boolean isOne(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return name.endsWith(".csv") || name.endsWith(".tsv");
    }

    /** What is between the cells of a file of this name, a comma or a tab. */
    public static char separator(String file) {
        return file.toLowerCase(Locale.ROOT).endsWith(".tsv") ? '\t' : ',';
    }

    /**
     * The cells of one row, without its line's end.
     *
     * @throws JsonProcessingException when it is no row
     */
    public static String[] cells(String row, char separator) throws IOException {
        return MAPPER.readerFor(String[].class).with(CsvSchema.emptySchema().withColumnSeparator(separator))
                .readValue(row);
    }

    /** Writes objects, each with the names of some of these columns, under a line of all their names. */
    public static ObjectWriter writer(Iterable<String> columns, char separator) {
        var schema = CsvSchema.builder();
        columns.forEach(schema::addColumn);
        return MAPPER.writer(schema.build().withHeader().withColumnSeparator(separator).withLineSeparator("\n"));
    }
}
