package dev.lockstep.decoder.shard;

import java.util.List;

import dev.lockstep.checkpoint.QuantizedWeight;
import dev.lockstep.checkpoint.TensorRef;

/**
 * What a rank has of a stored tensor.
 *
 * @param kind   along what it is cut
 * @param ranges of rows or columns, which follow each other in what the rank has
 */
public record Cut(Kind kind, List<Range> ranges) {
    /** All of it. */
    static final Cut WHOLE = new Cut(Kind.WHOLE, List.of());
    /** Nothing of it. */
    static final Cut NOTHING = rows(new Range(0, 0));
    /** Zeros in its place: another rank adds it. */
    static final Cut ZEROS = new Cut(Kind.ZEROS, List.of());

    /** Along what a tensor is cut. */
    public enum Kind {
        WHOLE, ZEROS, ROWS, COLUMNS,
        /** Of each of the experts that a tensor has all of, [experts, rows, columns] or [experts, rows]. */
        EXPERT_ROWS, EXPERT_COLUMNS
    }

    /** From one to before the other. */
    public record Range(int from, int to) {
        /** One of equal parts of something. */
        static Range of(int whole, int part, int parts) {
            return new Range(whole / parts * part, whole / parts * (part + 1));
        }

        Range from(int start) {
            return new Range(start + from, start + to);
        }

        int size() {
            return to - from;
        }
    }

    static Cut rows(Range... ranges) {
        return new Cut(Kind.ROWS, List.of(ranges));
    }

    static Cut columns(Range range) {
        return new Cut(Kind.COLUMNS, List.of(range));
    }

    static Cut expertRows(Range... ranges) {
        return new Cut(Kind.EXPERT_ROWS, List.of(ranges));
    }

    static Cut expertColumns(Range range) {
        return new Cut(Kind.EXPERT_COLUMNS, List.of(range));
    }

    /** Where each range begins. */
    public long[] starts() {
        return ranges.stream().mapToLong(Range::from).toArray();
    }

    /** Where each range ends. */
    public long[] ends() {
        return ranges.stream().mapToLong(Range::to).toArray();
    }

    /**
     * A piece of a tensor as one of its own.
     *
     * @param stride bytes from the beginning of a row of it to that of the next one in the file; 0: it stands there in one
     */
    public record Piece(TensorRef tensor, long stride) {
        public static Piece whole(TensorRef tensor) {
            return new Piece(tensor, 0);
        }

        /** Bytes of a row. */
        public long rowBytes() {
            return tensor.bytes() / tensor.shape()[0];
        }
    }

    /** What the rank has of a tensor, range by range: rows, or columns, or all. */
    public List<Piece> of(TensorRef tensor) {
        return switch (kind) {
            case ROWS -> ranges.stream().map(range -> Piece.whole(rows(tensor, range))).toList();
            case COLUMNS -> ranges.stream().map(range -> columns(tensor, range)).toList();
            default -> List.of(Piece.whole(tensor));
        };
    }

    private static TensorRef rows(TensorRef tensor, Range range) {
        long row = tensor.bytes() / tensor.shape()[0];
        int[] shape = tensor.shape().clone();
        shape[0] = range.size();
        return new TensorRef(tensor.name(), tensor.file(), tensor.offset() + range.from * row, range.size() * row,
                tensor.type(), shape);
    }

    private static Piece columns(TensorRef tensor, Range range) {
        int rows = tensor.shape()[0];
        long bytes = tensor.type().bytes();
        return new Piece(new TensorRef(tensor.name(), tensor.file(), tensor.offset() + range.from * bytes,
                bytes * rows * range.size(), tensor.type(), new int[]{rows, range.size()}), tensor.bytes() / rows);
    }

    /** Of a weight in fp8 {@linkplain QuantizedWeight#isFp8ByRow by row} the rank's rows, range by range. */
    public List<QuantizedWeight> rowsOf(QuantizedWeight weight) {
        boolean byRow = weight.blockRows() == 1;
        return ranges.stream().map(range -> {
            TensorRef values = rows(weight.values(), range);
            return new QuantizedWeight(weight.layout(), weight.bits(), byRow ? 1 : range.size(), weight.blockColumns(),
                    weight.zeroLessOne(), values.shape(), values,
                    byRow ? rows(weight.scales(), range) : weight.scales(),
                    null, null);
        }).toList();
    }
}
