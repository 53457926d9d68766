package dev.lockstep.model;

import java.util.Locale;

/** The types that the decoder computes in. */
public enum DType {
    FLOAT32(4), BFLOAT16(2), FLOAT16(2);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** The name in a configuration and on the command line: float32, bfloat16 or float16. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The type of a name as torch and transformers write it: {@code "bfloat16"} or {@code "torch.bfloat16"}, in either
     * case.
     *
     * @throws IllegalArgumentException for any other name
     */
    public static DType parse(String name) {
        String bare = name.toLowerCase(Locale.ROOT);
        if (bare.startsWith("torch.")) {
            bare = bare.substring("torch.".length());
        }
        for (DType type : values()) {
            if (type.toString().equals(bare)) {
                return type;
            }
        }
        throw new IllegalArgumentException(
                "\"" + name + "\" is not a supported dtype; supported are float32, bfloat16 and float16");
    }
}
