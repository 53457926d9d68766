package dev.lockstep.cuda;

/** A call of the CUDA driver, of NVRTC or of cuBLASLt that did not work out. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CudaException(String message) {
        super(message);
    }

    /** @throws CudaException unless the answer is 0 */
    static void check(int answer, String call) {
        if (answer != 0) {
            throw new CudaException(call + " answers " + answer);
        }
    }
}
