package dev.lockstep.checkpoint;

import java.util.Locale;
import java.util.Optional;

/** The element types of weights that the decoder computes with. */
public enum DType {
    FLOAT32("F32", 6, 4), BFLOAT16("BF16", 15, 2), FLOAT16("F16", 5, 2);

    private final String safetensorsName;
    private final int torchCode;
    private final int bytes;

    DType(String safetensorsName, int torchCode, int bytes) {
        this.safetensorsName = safetensorsName;
        this.torchCode = torchCode;
        this.bytes = bytes;
    }

    /** The name in a safetensors header: F32, BF16 or F16. */
    public String safetensorsName() {
        return safetensorsName;
    }

    /** The number of torch's {@code ScalarType}, which is what TorchScript source takes as a dtype. */
    public int torchCode() {
        return torchCode;
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

    /** The type that a safetensors header calls by this name, or empty where the decoder has no use for it. */
    static Optional<DType> ofSafetensors(String name) {
        for (DType type : values()) {
            if (type.safetensorsName.equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
