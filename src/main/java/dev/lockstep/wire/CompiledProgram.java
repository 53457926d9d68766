package dev.lockstep.wire;

/**
 * A program that is a source file as the launcher has compiled it, for the ranks of all hosts.
 *
 * @param mainClass its name
 * @param java      the version whose class files these are, as in 17
 * @param jar       the bytes of a jar with its classes; empty where there is no source file, or {@code java} is to compile it
 */
public record CompiledProgram(String mainClass, int java, byte[] jar) {
    /** Goes to hosts in one frame, together with the rest of what they are told. */
    public static final int MAX_BYTES = Frames.MAX_BYTES / 2;
    /** Nothing has been compiled. */
    public static final CompiledProgram NONE = new CompiledProgram("", 0, new byte[0]);

    /** Whether this JVM has something to run there. */
    public boolean isOfUse() {
        return jar.length > 0 && java <= Runtime.version().feature();
    }
}
