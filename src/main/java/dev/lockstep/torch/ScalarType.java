package dev.lockstep.torch;

/** libtorch's element types, as far as tensors here have them; the numbers and names are those of its {@code ScalarType}. */
public enum ScalarType {
    UINT8(0, "h"), INT8(1, "a"), INT32(3, "i"), INT64(4, "l"), FLOAT16(5, "N3c104HalfE"), FLOAT32(6, "f"), BFLOAT16(15,
            "N3c108BFloat16E"),
    FLOAT8_E4M3FN(24, "N3c1013Float8_e4m3fnE");

    private final int code;
    // of the C++ type, as its ABI writes it
    private final String mangled;

    ScalarType(int code, String mangled) {
        this.code = code;
        this.mangled = mangled;
    }

    /** Its number, which is what TorchScript source takes as a dtype. */
    public int code() {
        return code;
    }

    String mangled() {
        return mangled;
    }
}
