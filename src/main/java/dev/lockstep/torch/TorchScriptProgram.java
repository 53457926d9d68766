package dev.lockstep.torch;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.Function;
import com.sun.jna.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import dev.lockstep.djl.DjlLibraries;
import dev.lockstep.djl.LibraryException;
import dev.lockstep.djl.LoadedLibrary;

/**
 * A module of TorchScript source, loaded into the PyTorch engine with every attribute at its zero. Methods are called by
 * name; a call costs 5 to 7 microseconds, and throws {@link OutOfDeviceMemoryException} when the device's memory does
 * not suffice, EngineException when something else fails. Not safe for use by several threads.
 */
public final class TorchScriptProgram implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TorchScriptProgram.class);

    private static final Pattern ATTRIBUTE = Pattern.compile("(?m)^  (\\w+) : (.+)$");

    private static final Pattern FUNCTION = Pattern.compile("(?m)^def (\\w+)\\(.*\\n(?:(?:  .*)?\\n)*");

    // at::TensorBase::data_ptr<T>() const
    private static final String DATA = "_ZNK2at10TensorBase8data_ptrI";

    // Unreferenced, the model would be collected and take the module with it.
    private final Model model;
    private final PtSymbolBlock module;
    private final PtNDManager manager;

    private TorchScriptProgram(Model model) {
        this.model = model;
        this.module = (PtSymbolBlock) model.getBlock();
        this.manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
    }

    /**
     * Joins resources to one source and loads it. A part holds functions, or members of the class below
     * the line {@code class Name(Module):}, or both. The source is the functions of all parts and then one class with the
     * members of all parts, in the order in which the parts are given.
     *
     * @param beside       the class beside which the resources lie
     * @param className    the class
     * @param parts        resources of TorchScript source
     * @param replacements resources of functions alone, each of which takes the place of the parts' one of the same name
     * @throws IllegalArgumentException when the parts have no such function, or two of one name, of which the engine would
     *                                  take one and say nothing
     * @throws LibraryException           when the engine cannot be loaded
     * @throws EngineException          when the engine does not know an operation of the source
     */
    public static TorchScriptProgram load(Class<?> beside, String className, List<String> parts,
            String... replacements) {
        String source = join(beside, className, parts, replacements);
        byte[] archive = TorchScriptArchive.write(className, source, zeros(source));
        Model model = engine(className);
        try {
            model.load(new ByteArrayInputStream(archive));
            return new TorchScriptProgram(model);
        } catch (IOException | MalformedModelException | EngineException e) {
            model.close();
            if (e instanceof EngineException unknown) {
                throw unknown;
            }
            throw new IllegalStateException(String.join(", ", parts) + " cannot be loaded: " + e.getMessage(), e);
        }
    }

    private static String join(Class<?> beside, String className, List<String> parts, String... replacements) {
        String opening = "class " + className + "(Module):\n";
        Map<String, String> functions = new LinkedHashMap<>();
        StringBuilder members = new StringBuilder();
        for (String part : parts) {
            String[] halves = read(beside, part).split(Pattern.quote(opening), 2);
            functions(halves[0]).forEach(function -> {
                if (functions.put(function.group(1), function.group()) != null) {
                    throw new IllegalArgumentException("two functions " + function.group(1));
                }
            });
            members.append(halves.length > 1 ? halves[1] : "").append('\n');
        }
        for (String replacement : replacements) {
            functions(read(beside, replacement)).forEach(function -> {
                if (functions.replace(function.group(1), function.group()) == null) {
                    throw new IllegalArgumentException("no function " + function.group(1) + " to replace");
                }
            });
        }
        return String.join("\n", functions.values()) + opening + members;
    }

    private static Stream<MatchResult> functions(String source) {
        return FUNCTION.matcher(source).results();
    }

    private static String read(Class<?> beside, String resource) {
        try (InputStream in = beside.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }

    private static Model engine(String name) {
        return DjlLibraries.load(() -> {
            DjlLibraries.pyTorchToBeFetched().ifPresent(directory -> LOG
                    .info("DJL fetches PyTorch's CUDA build, some 3 GB, into {}, and says nothing meanwhile",
                            directory));
            return Model.newInstance(name, Device.cpu(), "PyTorch");
        });
    }

    /**
     * Has this thread run programs as they are written. The engine's optimizer watches the first calls of every shape
     * and then compiles, which pays on CUDA, where it fuses; on CPU it fuses nothing, and takes seconds.
     */
    public static void withoutOptimizer() {
        JniUtils.setGraphExecutorOptimize(false);
    }

    /** What the source declares, each attribute with the value that its type starts from. */
    private static Map<String, Object> zeros(String source) {
        Map<String, Object> zeros = new LinkedHashMap<>();
        for (MatchResult attribute : ATTRIBUTE.matcher(source).results().toList()) {
            zeros.put(attribute.group(1), switch (attribute.group(2)) {
                case "bool" -> false;
                case "int" -> 0;
                case "float" -> 0.0;
                case "str" -> "";
                case "List[Tensor]" -> TorchScriptArchive.EmptyList.TENSORS;
                case "List[int]" -> TorchScriptArchive.EmptyList.INTS;
                case "List[float]" -> TorchScriptArchive.EmptyList.FLOATS;
                // The archive's reader takes None for a tensor that is assigned before it is read.
                case "Tensor" -> null;
                default -> throw new IllegalArgumentException("attribute " + attribute.group());
            });
        }
        return zeros;
    }

    /**
     * Calls a method that returns an int.
     *
     * @param arguments Integer or Long for int, ScalarType for an int that is a dtype, Double for float, Boolean, String,
     *                  long[] for List[int], double[] for List[float], float[][] for a float32 Tensor of two dimensions and
     *                  long[][] for one of int64, whose memory is the caller's again after the call (a list costs 0.1 us a
     *                  number, these next to nothing), PtNDArray for a Tensor, PtNDArray[] for List[Tensor]
     */
    public long integer(String method, Object... arguments) {
        try (Call call = new Call(arguments); IValue result = call.run(method)) {
            return result.toLong();
        }
    }

    /** Calls a method that returns a List[int]. */
    public long[] integers(String method, Object... arguments) {
        try (Call call = new Call(arguments); IValue result = call.run(method)) {
            return result.toLongArray();
        }
    }

    /** Calls a method that returns a float32 Tensor of two dimensions on CPU. */
    public float[][] floats(String method, Object... arguments) {
        try (Call call = new Call(arguments); IValue result = call.run(method)) {
            try (PtNDArray tensor = result.toTensor(manager)) {
                float[] flat = tensor.toFloatArray();
                Shape shape = tensor.getShape();
                float[][] rows = new float[(int) shape.get(0)][(int) shape.get(1)];
                for (int row = 0; row < rows.length; row++) {
                    System.arraycopy(flat, row * rows[row].length, rows[row], 0, rows[row].length);
                }
                return rows;
            }
        }
    }

    /**
     * Calls a method that returns a Tensor on a GPU, which the program must keep.
     *
     * @param type the tensor's type
     * @return the address of its first element in the device's memory
     * @throws UnsatisfiedLinkError when this libtorch does not tell
     */
    public long address(ScalarType type, String method, Object... arguments) {
        try (Call call = new Call(arguments); IValue result = call.run(method)) {
            try (PtNDArray tensor = result.toTensor(manager)) {
                return address(tensor, type);
            }
        }
    }

    /** Where a tensor's first element is; it must be of that type. */
    static long address(PtNDArray tensor, ScalarType type) {
        Function data = LoadedLibrary.named("libtorch_cpu.so").getFunction(DATA + type.mangled() + "EEPT_v");
        return Pointer.nativeValue(data.invokePointer(new Object[]{new Pointer(tensor.getHandle())}));
    }

    /**
     * Calls a method that returns a Tensor of any type on any device.
     *
     * @param owner closes the array with its own
     * @return an array that gradients cannot go through; DJL itself cannot tell the type of some, such as bfloat16
     */
    PtNDArray tensor(PtNDManager owner, String method, Object... arguments) {
        try (Call call = new Call(arguments); IValue result = call.run(method)) {
            return result.toTensor(owner);
        }
    }

    @Override
    public void close() {
        manager.close();
        model.close();
    }

    /** The arguments of one call as native values, which live until it is closed. */
    private final class Call implements AutoCloseable {
        private final IValue[] values;
        private final PtNDArray[] tensors;

        Call(Object... arguments) {
            values = new IValue[arguments.length];
            tensors = new PtNDArray[arguments.length];
            for (int i = 0; i < arguments.length; i++) {
                if (arguments[i]instanceof float[][] matrix) {
                    tensors[i] = (PtNDArray) manager.create(matrix);
                } else if (arguments[i]instanceof long[][] matrix) {
                    tensors[i] = (PtNDArray) manager.create(flat(matrix), new Shape(matrix.length, matrix[0].length));
                }
                values[i] = tensors[i] == null ? value(arguments[i]) : IValue.from(tensors[i]);
            }
        }

        IValue run(String method) {
            try {
                return IValueUtils.runMethod(module, method, values);
            } catch (EngineException e) {
                throw OutOfDeviceMemoryException.of(e);
            }
        }

        @Override
        public void close() {
            for (int i = 0; i < values.length; i++) {
                values[i].close();
                if (tensors[i] != null) {
                    tensors[i].close();
                }
            }
        }
    }

    private static long[] flat(long[][] matrix) {
        int width = matrix[0].length;
        long[] flat = new long[matrix.length * width];
        for (int row = 0; row < matrix.length; row++) {
            System.arraycopy(matrix[row], 0, flat, row * width, width);
        }
        return flat;
    }

    private static IValue value(Object argument) {
        if (argument instanceof Boolean flag) {
            return IValue.from((boolean) flag);
        } else if (argument instanceof Integer || argument instanceof Long) {
            return IValue.from(((Number) argument).longValue());
        } else if (argument instanceof ScalarType type) {
            return IValue.from((long) type.code());
        } else if (argument instanceof Double number) {
            return IValue.from((double) number);
        } else if (argument instanceof String text) {
            return IValue.from(text);
        } else if (argument instanceof long[] list) {
            return IValue.listFrom(list);
        } else if (argument instanceof double[] list) {
            return IValue.listFrom(list);
        } else if (argument instanceof PtNDArray tensor) {
            return IValue.from(tensor);
        } else if (argument instanceof PtNDArray[] list) {
            return IValue.listFrom(list);
        }
        throw new IllegalArgumentException("no TorchScript value for a " + argument.getClass().getName());
    }
}
