package dev.lockstep.checkpoint;

import java.util.Arrays;
import java.util.Optional;

/** The element types that tensors of a checkpoint may be stored in; the names are those of a safetensors header. */
public enum StoredType {
    F32(DType.FLOAT32), BF16(DType.BFLOAT16), F16(DType.FLOAT16);

    private final DType computed;

    StoredType(DType computed) {
        this.computed = computed;
    }

    /** Bytes of one element. */
    public int bytes() {
        return computed.bytes();
    }

    /** The type to compute in that needs no conversion of the elements. */
    public DType computed() {
        return computed;
    }

    /** The type of this name, or empty where the decoder has no use for it. */
    static Optional<StoredType> of(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }
}
