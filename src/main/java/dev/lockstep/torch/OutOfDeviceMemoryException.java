package dev.lockstep.torch;

import java.util.Locale;

import ai.djl.engine.EngineException;
import org.jspecify.annotations.Nullable;

/** A program's call needed more of a device's memory than could be had. Fewer rows at a time, or shorter ones, may do. */
public final class OutOfDeviceMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** @param message libtorch's */
    public OutOfDeviceMemoryException(@Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** It was another rank's device, and this one has to do with as little. */
    public static OutOfDeviceMemoryException ofAnother() {
        return new OutOfDeviceMemoryException("another rank's device has too little memory", null);
    }

    /** What the engine's failure is: want of memory, which libtorch says in words alone, or what it was. */
    static RuntimeException of(EngineException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        // libtorch's words on CUDA and on CPU
        return message.contains("out of memory") || message.contains("can't allocate memory")
                ? new OutOfDeviceMemoryException(e.getMessage(), e)
                : e;
    }
}
