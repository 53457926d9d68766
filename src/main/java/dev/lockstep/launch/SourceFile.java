package dev.lockstep.launch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;

import dev.lockstep.host.IoReason;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.ClassPath;
import dev.lockstep.launch.local.RankPlanner;
import dev.lockstep.wire.CompiledProgram;

/**
 * A program that is one source file, compiled by the launcher as {@code java FILE} compiles it, which in every rank would
 * take a second of a processor.
 */
final class SourceFile extends SimpleJavaFileObject {
    /** What {@code java} gives its compiler too, where the program is left to it. */
    private static final Pattern OF_THE_COMPILER = Pattern.compile("(^|\\s)(--source|--enable-preview|--add-modules"
            + "|--add-exports|--limit-modules|--patch-module|--(upgrade-)?module-path|-p)\\b");
    /** From this one on {@code java} finds other source files by their names. */
    private static final int SEVERAL_FILES = 22;

    private final String text;

    private SourceFile(Path file, String text) {
        super(file.toUri(), Kind.SOURCE);
        this.text = text;
    }

    /**
     * Compiles a job's program, if that is a source file, on the class path that ranks have.
     *
     * @param environment the launcher's
     * @param variables   what the ranks have besides
     * @return nothing where ranks are to run the file as it is
     * @throws UsageException when it has mistakes, which are on stderr then
     */
    static CompiledProgram compile(JobCommand command, Path home, Map<String, String> environment,
            Map<String, String> variables) throws IOException {
        String name = command.program().get(0);
        if (!name.endsWith(".java")) {
            return CompiledProgram.NONE; // before there is a compiler, which takes a while to find
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null || asksTheCompiler(home, environment, variables)) {
            return CompiledProgram.NONE;
        }
        DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
        Path path = Path.of(name);
        try (Classes classes = new Classes(compiler.getStandardFileManager(said, null, StandardCharsets.UTF_8))) {
            SourceFile source = new SourceFile(path, read(path));
            JavacTask task = (JavacTask) compiler.getTask(null, classes, said, options(command, home, path), null,
                    List.of(source));
            Optional<String> main = Optional.empty();
            for (CompilationUnitTree unit : task.parse()) {
                main = main.or(() -> mainClass(unit));
            }
            task.generate();
            List<String> mistakes = said.getDiagnostics().stream()
                    .filter(each -> each.getKind() == Diagnostic.Kind.ERROR).map(Diagnostic::toString).toList();
            if (!mistakes.isEmpty()) {
                mistakes.forEach(each -> each.lines().map(line -> line.replace("\t", "    ")).map(Printable::line)
                        .forEach(System.err::println));
                throw new UsageException(name + " cannot be compiled: "
                        + (mistakes.size() == 1
                                ? "the mistake is above"
                                : "the " + mistakes.size() + " mistakes are above"));
            }
            byte[] jar = classes.jar();
            return jar.length > CompiledProgram.MAX_BYTES
                    ? CompiledProgram.NONE
                    : new CompiledProgram(main.orElseThrow(() -> new UsageException("there is no class in " + name)),
                            Runtime.version().feature(), jar);
        }
    }

    private static boolean asksTheCompiler(Path home, Map<String, String> environment, Map<String, String> variables) {
        return Stream.concat(
                Stream.of(environment, variables).flatMap(each -> Stream
                        .of("LOCKSTEP_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")
                        .map(name -> each.getOrDefault(name, ""))),
                RankPlanner.configuredJvmOptions(home).stream())
                .anyMatch(options -> OF_THE_COMPILER.matcher(options).find());
    }

    private static List<String> options(JobCommand command, Path home, Path source) {
        List<String> runtime = RankPlanner.runtime(home);
        // Lockstep itself is always the launcher's
        List<String> classPath = Stream
                .of(runtime.subList(0, 1), new ClassPath(command.classPath()).expanded().entries(),
                        runtime.subList(1, runtime.size()))
                .flatMap(List::stream).toList();
        List<String> options = new ArrayList<>(
                List.of("-proc:none", "-nowarn", "-Xlint:none", "-classpath", String.join(":", classPath)));
        if (Runtime.version().feature() >= SEVERAL_FILES) {
            options.addAll(List.of("-sourcepath", String.valueOf(source.getParent())));
        }
        return options;
    }

    private static String read(Path path) {
        try {
            return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UsageException(path + " cannot be read: " + IoReason.of(e));
        }
    }

    /** The first, as it is to {@code java}. */
    private static Optional<String> mainClass(CompilationUnitTree unit) {
        String inPackage = unit.getPackageName() == null ? "" : unit.getPackageName() + ".";
        return unit.getTypeDecls().stream().filter(ClassTree.class::isInstance)
                .map(type -> inPackage + ((ClassTree) type).getSimpleName()).findFirst();
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return text;
    }

    /** The class may have another name than the file. */
    @Override
    public boolean isNameCompatible(String simpleName, Kind kind) {
        return kind == Kind.SOURCE;
    }

    /** Keeps classes in memory. */
    private static final class Classes extends ForwardingJavaFileManager<JavaFileManager> {
        private final Map<String, ByteArrayOutputStream> bytes = new LinkedHashMap<>();

        Classes(JavaFileManager files) {
            super(files);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind,
                FileObject sibling) {
            String entry = name.replace('.', '/') + kind.extension;
            return new SimpleJavaFileObject(URI.create("memory:///" + entry), kind) {
                @Override
                public OutputStream openOutputStream() {
                    ByteArrayOutputStream out = new ByteArrayOutputStream();
                    bytes.put(entry, out);
                    return out;
                }
            };
        }

        byte[] jar() throws IOException {
            ByteArrayOutputStream jar = new ByteArrayOutputStream();
            try (JarOutputStream out = new JarOutputStream(jar)) {
                for (Map.Entry<String, ByteArrayOutputStream> each : bytes.entrySet()) {
                    out.putNextEntry(new JarEntry(each.getKey()));
                    each.getValue().writeTo(out);
                }
            }
            return jar.toByteArray();
        }
    }
}
