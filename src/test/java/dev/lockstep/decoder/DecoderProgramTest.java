package dev.lockstep.decoder;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import dev.lockstep.decoder.sampling.RowSampling;
import dev.lockstep.decoder.sampling.SamplingColumns;
import dev.lockstep.decoder.sampling.SamplingRefinements;

import static org.assertj.core.api.Assertions.assertThat;

/** What Java, the program and the kernels have to agree on, held against their sources: also where only a GPU calls it. */
class DecoderProgramTest {
    private static final Pattern METHOD = Pattern.compile("(?m)^  def (\\w+)\\(self(?:, )?(.*)\\) -> (.*):$");
    private static final Pattern MACRO = Pattern.compile("\\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\\b");
    /** What the program's method returns where Java calls it in this way; an address comes after a type. */
    private static final Map<String, String> RETURNS = Map.of("integer", "int", "integers", "List[int]", "floats",
            "Tensor", "address", "Tensor");

    /** A call of the program. */
    private record Call(String how, String method, int arguments) {}

    private static String sources;

    @BeforeAll
    static void readSources() throws IOException {
        StringBuilder all = new StringBuilder();
        for (String part : DecoderProgram.PARTS) {
            all.append(resource(part));
        }
        sources = all.toString();
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Decoder.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The engine checks a call when it is made, and many are made on a GPU alone. */
    @Test
    void everyCall_hasAMethodOfThatNameAndSoManyArgumentsAndThatResult() throws IOException {
        Map<String, MatchResult> methods = new HashMap<>();
        METHOD.matcher(sources).results().forEach(method -> methods.put(method.group(1), method));
        List<Call> calls = calls(Path.of("src/main/java/dev/lockstep/decoder/DecoderProgram.java"));

        assertThat(calls).hasSizeGreaterThan(30);
        for (Call call : calls) {
            MatchResult method = methods.get(call.method());
            assertThat(method).as("the program's %s", call.method()).isNotNull();
            assertThat(method.group(2).split(", ").length).as("%s(%s)", call.method(), method.group(2))
                    .isEqualTo(call.arguments());
            assertThat(method.group(3)).as("%s returns", call.method()).isEqualTo(RETURNS.get(call.how()));
        }
    }

    /** {@code program.integer("name", …)} and its like. */
    private static List<Call> calls(Path source) throws IOException {
        List<Call> calls = new ArrayList<>();
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            JavacTask task = (JavacTask) compiler.getTask(null, files, null, null, null,
                    files.getJavaFileObjects(source));
            for (CompilationUnitTree unit : task.parse()) {
                unit.accept(new TreeScanner<Void, Void>() {
                    @Override
                    public Void visitMethodInvocation(MethodInvocationTree call, Void nothing) {
                        if (call.getMethodSelect()instanceof MemberSelectTree select
                                && select.getExpression().toString().equals("program")
                                && RETURNS.containsKey(select.getIdentifier().toString())) {
                            String how = select.getIdentifier().toString();
                            int name = how.equals("address") ? 1 : 0;
                            LiteralTree method = (LiteralTree) call.getArguments().get(name);
                            // no argument at all still splits into one piece
                            calls.add(new Call(how, (String) method.getValue(),
                                    Math.max(1, call.getArguments().size() - name - 1)));
                        }
                        return super.visitMethodInvocation(call, nothing);
                    }
                }, null);
            }
        }
        return calls;
    }

    /** Each column has a function of its name in the program, which reads the column that the enum puts it in. */
    @Test
    void everyColumn_isReadWhereItIsWritten() {
        columns(SamplingColumns.Floats.values(), "floats");
        columns(SamplingColumns.Ints.values(), "ints");
        assertThat(sources).contains("def end_tokens(ints: Tensor) -> Tensor:\n  return torch.slice(ints, 1, "
                + SamplingColumns.Ints.values().length + ", ints.size(1))\n");
        // nobody else counts columns
        assertThat(Pattern.compile("torch\\.select\\(\\w*(floats|ints), 1, ").matcher(sources).results())
                .hasSize(SamplingColumns.Floats.values().length + SamplingColumns.Ints.values().length);
    }

    private static void columns(Enum<?>[] columns, String where) {
        for (Enum<?> column : columns) {
            assertThat(sources).contains("def " + column.name().toLowerCase(Locale.ROOT) + "(" + where
                    + ": Tensor) -> Tensor:\n  return torch.select(" + where + ", 1, " + column.ordinal() + ")\n");
        }
    }

    /** What the kernel calls a column is given to its compiler, and nothing that it is given is left unread there. */
    @Test
    void everyColumnThatTheKernelReads_isDefined() throws IOException {
        Set<String> read = new HashSet<>();
        MACRO.matcher(resource("kernels/sample.cu")).results().map(MatchResult::group).forEach(read::add);
        read.removeAll(Set.of("BIN_LEVELS", "NO_NUMBER", "NO_TOKEN"));
        read.add("TEMPERATURE");
        read.add("GREEDY");
        List<String> defined = SamplingColumns.definitions().stream().map(definition -> definition.split("=")[0])
                .toList();
        // left to the program
        List<String> refined = List.of("TYPICAL_P", "EPSILON_CUTOFF", "ETA_CUTOFF");

        assertThat(defined).containsAll(refined).containsAll(read);
        assertThat(defined.stream().filter(name -> !refined.contains(name))).allMatch(read::contains);
        assertThat(resource("kernels/sample.cu")).contains("[TEMPERATURE]", "[GREEDY]")
                .doesNotContainPattern("(floats|ints)\\[\\d");
    }

    /** Values land in the columns of their names. */
    @Test
    void settings_areInTheirColumns() {
        RowSampling row = new RowSampling(false, 0.5, 7, 0.8, 0.1, 1.2, 0.3, 0.4, 9, new int[]{3, 5}, 1L << 60, false,
                new SamplingRefinements(1.1, 0.95, 0.01, 0.02, 4, 1.5));
        double[] floats = SamplingColumns.floats(List.of(row));
        assertThat(floats).containsExactly(0.5, 0.8, 0.1, 1.2, 0.3, 0.4, 1.1, 1.5, 0.95, 0.01, 0.02);
        assertThat(SamplingColumns.ints(List.of(row))).containsExactly(0, 7, 9, 1L << 60, 4, 3, 5);
        RowSampling endless = new RowSampling(true, 0.5, 7, 0.8, 0.1, 1.2, 0.3, 0.4, 9, new int[0], 1, false,
                new SamplingRefinements(1.1, 0.95, 0.01, 0.02, 4, 1.5));
        assertThat(Arrays.stream(SamplingColumns.floats(List.of(endless))).limit(1)).containsExactly(1.0);
        assertThat(SamplingColumns.floats(List.of(endless))[SamplingColumns.Floats.DECAY_FACTOR.ordinal()])
                .isEqualTo(1);
        assertThat(SamplingColumns.ints(List.of(endless))).containsExactly(1, 7, 0, 1, 4, 0);
        // beside rows with more end tokens the last stands for those that a row lacks
        assertThat(SamplingColumns.ints(List.of(endless, row))).containsExactly(1, 7, 0, 1, 4, 0, 0, 0, 7, 9, 1L << 60,
                4, 3, 5);
    }
}
