package dev.lockstep.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.djl.LoadedLibrary;
import dev.lockstep.host.AtomicFile;
import dev.lockstep.host.OwnFiles;
import dev.lockstep.host.Sha256;

/**
 * Compiles CUDA C for the device at hand with the NVRTC that comes with libtorch, and keeps what it made on disk by
 * source, options, architecture and compiler.
 */
public class KernelCompiler {
    private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);
    // beside cuBLAS, which libtorch loads; its own directory of builtins has to be found by name, so it is loaded first
    private static final Pattern BUILTINS = Pattern.compile("libnvrtc-builtins(-[0-9a-f]+)?\\.so[.\\d]*");
    private static final Pattern NVRTC = Pattern.compile("libnvrtc(-[0-9a-f]+)?\\.so[.\\d]*");
    private static final String NEIGHBOUR = "libcublasLt.so";

    /** The one whose instructions of four warps no other has, and the first NVRTC that knows them. */
    private static final int WITH_WARPGROUPS = 90;
    private static final int FIRST_FOR_WARPGROUPS = 12;

    private final Path cache;
    private final int architecture;
    private double seconds;
    private int compiled;
    private boolean distrusted;

    /** @param cache the directory that compiled code is kept in; it need not exist, nor be writable */
    public KernelCompiler(Path cache) {
        this(cache, CudaDriver.architecture());
    }

    /** For devices of another architecture than the one at hand, such as 80. */
    protected KernelCompiler(Path cache, int architecture) {
        this.cache = cache;
        this.architecture = architecture;
    }

    /** The compute capability that is compiled for, such as 90. */
    public int architecture() {
        return architecture;
    }

    /** Whether four warps can multiply together what is in shared memory: by the instructions that only sm_90a has. */
    public boolean hasWarpgroups() {
        return architecture == WITH_WARPGROUPS && major(library()) >= FIRST_FOR_WARPGROUPS;
    }

    /**
     * A kernel for the device.
     *
     * @param definitions macros as {@code NAME=value}
     * @param name        the kernel's name in the source
     * @param threads     threads of a block
     * @throws CudaException        when the source does not compile
     * @throws UnsatisfiedLinkError when there is no NVRTC
     */
    public Kernel kernel(String source, List<String> definitions, String name, int threads) {
        return new Kernel(compile(source, definitions), name, threads, 0, false);
    }

    /**
     * {@link #kernel} that begins, where the device can do that, while those before it run: it waits for them itself, before it
     * reads or writes what is theirs.
     *
     * @param sharedBytes of shared memory, besides what it names itself
     */
    public Kernel overlapping(String source, List<String> definitions, String name, int threads, int sharedBytes) {
        return new Kernel(compile(source, definitions), name, threads, sharedBytes,
                architecture >= CudaDriver.FIRST_THAT_OVERLAPS);
    }

    private byte[] compile(String source, List<String> definitions) {
        NativeLibrary nvrtc = library();
        String[] options = new String[definitions.size() + 2];
        options[0] = "--gpu-architecture=sm_" + architecture + (hasWarpgroups() ? "a" : "");
        options[1] = "--std=c++17";
        for (int i = 0; i < definitions.size(); i++) {
            options[i + 2] = "-D" + definitions.get(i);
        }
        Path kept = cache.resolve(digest(version(nvrtc), source, String.join(" ", options)) + ".cubin");
        Optional<byte[]> before = kept(kept, this::distrust);
        if (before.isPresent()) {
            return before.get();
        }
        long start = System.nanoTime();
        byte[] cubin = compile(nvrtc, source, options);
        seconds += (System.nanoTime() - start) / 1e9;
        compiled++;
        keep(kept, cubin);
        return cubin;
    }

    /** Says how long compiling took, if anything had to be compiled. */
    public void report() {
        if (compiled > 0) {
            LOG.info("compiled {} kernels for this GPU in {} s; they are kept in {}", compiled,
                    Math.round(seconds * 10) / 10.0, cache);
        }
    }

    /** What an earlier compilation has left, unless others may have written it: then it is said why. */
    public static Optional<byte[]> kept(Path file, Consumer<String> say) {
        try {
            byte[] cubin = Files.readAllBytes(file);
            Optional<String> fault = OwnFiles.fault(file);
            fault.ifPresent(say);
            return fault.isPresent() ? Optional.empty() : Optional.of(cubin);
        } catch (IOException e) {
            LOG.debug("{} has to be compiled", file);
            return Optional.empty();
        }
    }

    private void distrust(String fault) {
        if (!distrusted) {
            distrusted = true;
            LOG.warn("kernels are compiled again, because {}", fault);
        }
    }

    private static NativeLibrary library() {
        LoadedLibrary.beside(NEIGHBOUR, BUILTINS);
        return LoadedLibrary.beside(NEIGHBOUR, NVRTC);
    }

    private static String version(NativeLibrary nvrtc) {
        IntByReference major = new IntByReference();
        IntByReference minor = new IntByReference();
        call(nvrtc, "nvrtcVersion", major, minor);
        return major.getValue() + "." + minor.getValue();
    }

    private static int major(NativeLibrary nvrtc) {
        return Integer.parseInt(version(nvrtc).split("\\.")[0]);
    }

    private static byte[] compile(NativeLibrary nvrtc, String source, String[] options) {
        PointerByReference reference = new PointerByReference();
        call(nvrtc, "nvrtcCreateProgram", reference, source, "kernel.cu", 0, null, null);
        Pointer program = reference.getValue();
        try {
            int answer = nvrtc.getFunction("nvrtcCompileProgram")
                    .invokeInt(new Object[]{program, options.length, new StringArray(options)});
            if (answer != 0) {
                throw new CudaException("a kernel does not compile: " + new String(
                        result(nvrtc, program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog"),
                        StandardCharsets.UTF_8));
            }
            return result(nvrtc, program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN");
        } finally {
            nvrtc.getFunction("nvrtcDestroyProgram").invokeInt(new Object[]{reference});
        }
    }

    private static byte[] result(NativeLibrary nvrtc, Pointer program, String sizeCall, String call) {
        LongByReference size = new LongByReference();
        call(nvrtc, sizeCall, program, size);
        try (Memory memory = new Memory(Math.max(1, size.getValue()))) {
            call(nvrtc, call, program, memory);
            return memory.getByteArray(0, (int) size.getValue());
        }
    }

    private static void call(NativeLibrary nvrtc, String name, @Nullable Object... arguments) {
        CudaException.check(nvrtc.getFunction(name).invokeInt(arguments), name);
    }

    private static String digest(String... parts) {
        MessageDigest digest = Sha256.digest();
        for (String part : parts) {
            digest.update(part.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }

    private void keep(Path kept, byte[] cubin) {
        try {
            AtomicFile.writeCached(kept, out -> out.write(cubin));
        } catch (IOException e) {
            LOG.debug("compiled code cannot be kept in {}", cache, e);
        }
    }
}
