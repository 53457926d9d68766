package dev.lockstep.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import dev.lockstep.model.ModelException;

/**
 * How the weights of linear layers are stored in fewer bits, as {@code quantization_config} says.
 *
 * @param layout       how values and scales lie
 * @param bits         of a value; 8, and 4 where values are packed
 * @param blockRows    so many rows share a scale, 0 for all
 * @param blockColumns so many columns share a scale, 0 for all
 * @param zeroPoints   each scale has a zero point of its own
 * @param zeroLessOne  zero points are stored less one
 */
record QuantizedForm(QuantizedWeight.Layout layout, int bits, int blockRows, int blockColumns, boolean zeroPoints,
        boolean zeroLessOne) {
    private static final int WORD = 32;

    /** Suffixes of what may belong to a quantized weight, but for {@code weight}, whether or not it is read. */
    static final List<String> SUFFIXES = List.of("weight_scale", "weight_scale_inv", "input_scale", "activation_scale",
            "blocks", "weight_packed", "weight_shape", "weight_zero_point", "weight_g_idx", "qweight", "qzeros",
            "scales",
            "g_idx");

    /** The suffix of the tensor that says whether a layer is quantized at all. */
    String values() {
        return switch (layout) {
            case FP8, INT8 -> "weight";
            case PACKED_ROWS -> "weight_packed";
            case GPTQ, AWQ -> "qweight";
            case MXFP4 -> "blocks";
        };
    }

    /** For people, such as int4. */
    String type() {
        return switch (layout) {
            case FP8 -> "fp8";
            case MXFP4 -> "mxfp4";
            default -> "int" + bits;
        };
    }

    /**
     * The weight of a layer, or empty where the layer is not quantized.
     *
     * @param weight as the model calls for it
     * @param stored by name
     * @throws ModelException when a part is missing or has another shape or type than the form calls for
     */
    Optional<QuantizedWeight> match(ExpectedTensor weight, Function<String, StoredTensors.@Nullable Stored> stored) {
        Parts parts = new Parts(weight, stored);
        StoredTensors.Stored values = stored.apply(parts.name(values()));
        StoredType type = switch (layout) {
            case FP8 -> StoredType.F8_E4M3;
            case INT8 -> StoredType.I8;
            case MXFP4 -> StoredType.U8;
            default -> StoredType.I32;
        };
        boolean plain = values == null || values().equals("weight") && !values.entry().dtype().equals(type.name());
        if (plain) {
            return Optional.empty();
        }
        if (layout == QuantizedWeight.Layout.MXFP4) {
            return Optional.of(experts(weight, parts));
        }
        int out = weight.shape()[0];
        int in = weight.shape()[1];
        int rows = blockRows == 0 ? out : blockRows;
        int columns = blockColumns == 0 ? in : blockColumns;
        int scaleRows = ceil(out, rows);
        int groups = ceil(in, columns);
        int[][] shapes = switch (layout) {
            case FP8, INT8 -> new int[][]{{out, in}, {scaleRows, groups}, {}};
            case PACKED_ROWS -> new int[][]{{out, words(in)}, {scaleRows, groups}, {words(out), groups}};
            case GPTQ -> new int[][]{{words(in), out}, {groups, out}, {groups, words(out)}};
            case MXFP4 -> throw new IllegalStateException("of all experts at once");
            case AWQ -> new int[][]{{in, words(out)}, {groups, out}, {groups, words(out)}};
        };
        TensorRef zeros = zeroPoints ? parts.required(zeros(), StoredType.I32, shapes[2]) : null;
        TensorRef order = switch (layout) {
            case PACKED_ROWS -> parts.optional("weight_g_idx", in);
            case GPTQ -> parts.optional("g_idx", in);
            default -> null;
        };
        return Optional.of(new QuantizedWeight(layout, bits, rows, columns, zeroLessOne, weight.shape(),
                parts.required(values(), type, shapes[0]), parts.scales(shapes[1]), zeros, order));
    }

    /** Of all of a layer's experts [experts, out, in], one above the other. */
    private QuantizedWeight experts(ExpectedTensor weight, Parts parts) {
        int experts = weight.shape()[0];
        int out = weight.shape()[1];
        int in = weight.shape()[2];
        if (in % blockColumns != 0) {
            throw new ModelException(weight.name() + ": mxfp4 has blocks of " + blockColumns + " columns, of which "
                    + in + " is no multiple.");
        }
        int groups = in / blockColumns;
        return new QuantizedWeight(layout, bits, 1, blockColumns, false, new int[]{experts * out, in},
                parts.required("blocks", StoredType.U8, experts, out, groups, blockColumns / 2),
                parts.required("scales", StoredType.U8, experts, out, groups), null, null);
    }

    private String zeros() {
        return layout == QuantizedWeight.Layout.PACKED_ROWS ? "weight_zero_point" : "qzeros";
    }

    private List<String> scales() {
        return switch (layout) {
            case FP8 -> List.of("weight_scale", "weight_scale_inv");
            case INT8, PACKED_ROWS -> List.of("weight_scale");
            case GPTQ, AWQ, MXFP4 -> List.of("scales");
        };
    }

    private int words(int fields) {
        return ceil(fields, WORD / bits);
    }

    private static int ceil(int size, int block) {
        return (size - 1) / block + 1;
    }

    /** The stored tensors of one layer. */
    private final class Parts {
        private final String module;
        private final Function<String, StoredTensors.@Nullable Stored> stored;

        Parts(ExpectedTensor weight, Function<String, StoredTensors.@Nullable Stored> stored) {
            this.module = weight.module();
            this.stored = stored;
        }

        String name(String suffix) {
            return module + "." + suffix;
        }

        TensorRef required(String suffix, StoredType type, int... shape) {
            StoredTensors.Stored found = stored.apply(name(suffix));
            if (found == null) {
                throw new ModelException(missing(suffix));
            }
            return ref(suffix, found, List.of(type), shape);
        }

        @Nullable
        TensorRef optional(String suffix, int... shape) {
            StoredTensors.Stored found = stored.apply(name(suffix));
            return found == null ? null : ref(suffix, found, List.of(StoredType.I32), shape);
        }

        /** One scale, or one a row, may lack the dimensions that are 1. */
        TensorRef scales(int... shape) {
            for (String suffix : QuantizedForm.this.scales()) {
                StoredTensors.Stored found = stored.apply(name(suffix));
                if (found != null) {
                    int[] given = found.entry().shape();
                    boolean shorter = shape[1] == 1 && given.length < 2
                            && Arrays.stream(given).reduce(1, (a, b) -> a * b) == shape[0];
                    return ref(suffix, found, StoredType.FLOATS, shorter ? given : shape);
                }
            }
            throw new ModelException(missing(QuantizedForm.this.scales().get(0)));
        }

        private String missing(String suffix) {
            StoredTensors.Stored values = stored.apply(name(values()));
            return (values == null ? "" : values.file() + ": ") + "tensor " + name(suffix)
                    + " is missing, which quantization_config in config.json calls for.";
        }

        private TensorRef ref(String suffix, StoredTensors.Stored found, List<StoredType> types, int... shape) {
            SafetensorsHeader.Entry entry = found.entry();
            String tensor = found.file() + ": tensor " + entry.name();
            if (!Arrays.equals(entry.shape(), shape)) {
                throw new ModelException(tensor + " has shape " + Arrays.toString(entry.shape())
                        + ", but config.json with its quantization_config calls for " + Arrays.toString(shape) + ".");
            }
            StoredType type = StoredType.of(entry.dtype()).filter(types::contains)
                    .orElseThrow(() -> new ModelException(tensor + " has dtype " + entry.dtype()
                            + "; with this quantization_config it must be " + StoredType.names(types) + "."));
            return new TensorRef(name(suffix), found.file(), entry.offset(), entry.bytes(), type, entry.shape());
        }
    }
}
