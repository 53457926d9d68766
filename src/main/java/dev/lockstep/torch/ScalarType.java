package dev.lockstep.torch;

/** libtorch's element types, as far as tensors here have them; the numbers and names are those of its {@code ScalarType}. */
public enum ScalarType {
    UINT8(0, 1, "h"), INT8(1, 1, "a"), INT32(3, 4, "i"), INT64(4, 8, "l"), FLOAT16(5, 2, "N3c104HalfE"),
    FLOAT32(6, 4, "f"),
    FLOAT64(7, 8, "d"), BFLOAT16(15, 2, "N3c108BFloat16E"), FLOAT8_E4M3FN(24, 1, "N3c1013Float8_e4m3fnE");

    private final int code;
    private final int bytes;
    // of the C++ type, as its ABI writes it
    private final String mangled;

    ScalarType(int code, int bytes, String mangled) {
        this.code = code;
        this.bytes = bytes;
        this.mangled = mangled;
    }

    /** Its number, which is what TorchScript source takes as a dtype. */
    public int code() {
        return code;
    }

    /** Of one element. */
    public int bytes() {
        return bytes;
    }

    String mangled() {
        return mangled;
    }
}
