package dev.lockstep.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import dev.lockstep.model.DType;

/** The element types that tensors of a checkpoint may be stored in; the names are those of a safetensors header. */
public enum StoredType {
    F32(4, DType.FLOAT32), BF16(2, DType.BFLOAT16), F16(2, DType.FLOAT16),
    // of quantized weights
    F8_E4M3(1, null), I8(1, null), U8(1, null), I32(4, null);

    /** Those that can be computed in. */
    public static final List<StoredType> FLOATS = List.of(F32, BF16, F16);

    private final int bytes;
    private final @Nullable DType computed;

    StoredType(int bytes, @Nullable DType computed) {
        this.bytes = bytes;
        this.computed = computed;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The type to compute in that needs no conversion of the elements; null for those of quantized weights. */
    public @Nullable DType computed() {
        return computed;
    }

    /** The type of this name, or empty where the decoder has no use for it. */
    public static Optional<StoredType> of(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }

    /** For a sentence. */
    static String names(List<StoredType> types) {
        List<String> names = types.stream().map(StoredType::name).toList();
        int last = names.size() - 1;
        return last == 0 ? names.get(0) : String.join(", ", names.subList(0, last)) + " or " + names.get(last);
    }
}
