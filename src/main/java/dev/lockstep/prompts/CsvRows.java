package dev.lockstep.prompts;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;
import dev.lockstep.json.Csv;
import dev.lockstep.json.Json;

/**
 * Rows of a table, whose first line names the fields that its columns are. Cells of fields that hold text are text; those of other
 * known fields are JSON, such as {@code 0.7}, {@code true} or {@code ["a", "b"]}; an empty cell is no field. A row may go over
 * several lines, within quotes, and is looked for byte by byte, so that one that is broken does not spoil the others.
 */
final class CsvRows implements PromptReader.Rows {
    /** Known fields whose cells are what they say, whatever that looks like. */
    private static final Set<String> TEXTS = Set.of("prompt", "completion", "id", "guided_regex");

    private final InputStream in;
    private final MistypedFields names;
    private List<String> columns = List.of();
    private char separator;
    // lines before the last row
    private int lines;
    private int more;
    private long offset;
    private long end;
    private boolean open;

    private CsvRows(InputStream in, char separator, MistypedFields names) {
        this.in = in;
        this.separator = separator;
        this.names = names;
    }

    /**
     * Reads the first line.
     *
     * @param in buffered
     * @throws UsageException when that names no columns of prompts
     */
    static CsvRows open(String source, InputStream in, MistypedFields names) throws IOException {
        var rows = new CsvRows(in, Csv.separator(source), names);
        byte[] first = rows.record();
        try {
            String header = first == null ? "" : PromptReader.text(first, true);
            // as spreadsheets write where the comma is the decimal mark
            if (rows.separator == ',' && header.indexOf(',') < 0 && header.indexOf(';') >= 0) {
                rows.separator = ';';
            }
            rows.columns = header.isBlank() ? List.of() : List.of(Csv.cells(header, rows.separator));
        } catch (JsonProcessingException | CharacterCodingException e) {
            throw new UsageException("--prompts " + source + " has no line of column names that can be read first", e);
        }
        Set<String> different = new HashSet<>();
        for (String column : rows.columns) {
            if (!column.isEmpty() && !different.add(column)) {
                throw new UsageException("--prompts " + source + " has two columns named " + column
                        + ": give each field one column");
            }
        }
        if (first != null && !different.contains("prompt") && !different.contains("messages")) {
            throw new UsageException("--prompts " + source
                    + " must name its columns in its first line, and prompt or messages among them");
        }
        return rows;
    }

    /** Rows of the same columns, which begin here. */
    CsvRows from(InputStream rows) {
        var more = new CsvRows(rows, separator, names);
        more.columns = columns;
        more.lines = 1;
        return more;
    }

    @Override
    public @Nullable Prompt next(int index) throws IOException {
        for (byte[] bytes = record(); bytes != null; bytes = record()) {
            String place = "line " + lines;
            try {
                String row = PromptReader.text(bytes, false);
                if (open) {
                    return broken(index, place, "a cell begins with a quote and does not end with one");
                }
                if (!row.isBlank()) {
                    return row(index, place, row);
                }
            } catch (CharacterCodingException e) {
                return broken(index, place, "not valid UTF-8");
            }
        }
        return null;
    }

    private static Prompt broken(int index, String place, String why) {
        return Prompt.broken(index, Integer.toString(index), place + ": " + why);
    }

    private Prompt row(int index, String place, String row) {
        String[] cells;
        try {
            cells = Csv.cells(row, separator);
        } catch (JsonProcessingException e) {
            return broken(index, place, "not cells that can be read: " + Json.reason(e));
        } catch (IOException e) {
            return broken(index, place, "not cells that can be read");
        }
        if (cells.length != columns.size()) {
            return broken(index, place, "has " + cells.length + " cells, and the first line names " + columns.size()
                    + " columns");
        }
        ObjectNode fields = Json.MAPPER.createObjectNode();
        for (int i = 0; i < cells.length; i++) {
            if (!columns.get(i).isEmpty() && !cells[i].isEmpty()) {
                fields.set(columns.get(i), value(columns.get(i), cells[i]));
            }
        }
        return PromptParser.of(index, place, fields, names);
    }

    private static JsonNode value(String column, String cell) {
        boolean json = column.equals("stop") || column.equals("stop_strings")
                ? cell.startsWith("[")
                : !TEXTS.contains(column) && (PromptFields.isKnown(column) || column.equals("choices"));
        if (json) {
            try {
                return Json.MAPPER.readTree(cell);
            } catch (JsonProcessingException e) {
                // a field that takes a word, or whose own sentence says what it takes
            }
        }
        return Json.MAPPER.getNodeFactory().textNode(cell);
    }

    /** The bytes up to a line's end outside of quotes, or null where there are none. */
    private byte @Nullable [] record() throws IOException {
        int b = in.read();
        if (b < 0) {
            return null;
        }
        offset = end;
        lines += 1 + more;
        more = 0;
        open = false;
        boolean begins = true;
        boolean closed = false; // just now, unless a quote follows, which is then the text's
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        for (; b >= 0 && (open || b != '\n'); b = in.read()) {
            boolean quote = b == '"';
            boolean opens = quote && !open && (begins || closed);
            closed = quote && open;
            open = opens || open && !quote;
            begins = !open && b == separator;
            more += b == '\n' ? 1 : 0;
            bytes.write(b);
            if (bytes.size() > PromptReader.LONGEST) {
                throw new UsageException("the row in line " + lines + " of the prompts has more than "
                        + PromptReader.LONGEST + " bytes: look for a quote that is not closed");
            }
        }
        end += bytes.size() + 1L;
        return bytes.toByteArray();
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
