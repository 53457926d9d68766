package dev.lockstep;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import dev.lockstep.batch.GenerateOptions;
import dev.lockstep.launch.Mpjrun;
import dev.lockstep.world.Worlds;

import static org.assertj.core.api.Assertions.assertThat;

/** What the README and the pages behind it show has to work as it stands, and what they name has to be there. */
class ReadmeTest {
    private static final Path HOME = Path.of(System.getProperty("lockstep.home"));
    private static final Path PAGES = HOME.resolve("src/site/markdown");
    private static final Path README = HOME.resolve("README.md");
    private static final int MOST_LINES = 200;

    /** All pages by file. */
    private static final Map<Path, String> TEXTS = new TreeMap<>();

    @BeforeAll
    static void read() throws IOException {
        TEXTS.put(README, Files.readString(README));
        try (Stream<Path> pages = Files.list(PAGES)) {
            for (Path page : pages.toList()) {
                TEXTS.put(page, Files.readString(page));
            }
        }
    }

    @Test
    void readme_isRead_inFiveMinutes() {
        assertThat(TEXTS.get(README).lines().count()).isLessThan(MOST_LINES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ReadmeExample", "FirstText", "Words", "Moments", "Ring"})
    void example_compiled_hasNoErrorAndNoWarning(String name, @TempDir Path classes) {
        var code = block(name, "").group(1);
        var source = new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return code;
            }
        };
        var found = new DiagnosticCollector<JavaFileObject>();
        var options = List.of("-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "--release", "17",
                "-proc:none");
        boolean compiled = ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, found, options, null, List.of(source)).call();
        assertThat(found.getDiagnostics()).map(d -> d.getLineNumber() + ": " + d.getMessage(Locale.ROOT)).isEmpty();
        assertThat(compiled).isTrue();
        assertThat(classes.resolve(name + ".class")).isRegularFile();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Words", "Moments", "Ring"})
    void example_ofFourRanks_printsWhatIsBelowIt(String name, @TempDir Path classes) throws Exception {
        example_compiled_hasNoErrorAndNoWarning(name, classes);
        PrintStream stdout = System.out;
        var printed = new ByteArrayOutputStream();
        try (var loader = new URLClassLoader(new URL[]{classes.toUri().toURL()})) {
            var main = loader.loadClass(name).getMethod("main", String[].class);
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            Worlds.run(4, world -> main.invoke(null, (Object) new String[0]));
        } finally {
            System.setOut(stdout);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .isEqualTo(block(name, "\n```text\n(.*?)```").group(2));
    }

    /** The code of an example, and what comes after it. */
    private static MatchResult block(String name, String after) {
        return all("(?s)<!-- example: " + name + " -->\n```java\n(.*?)```\n" + after).findFirst().orElseThrow();
    }

    /** One that is not compiled would be wrong some day. */
    @Test
    void javaBlocks_allAreExamples() {
        assertThat(all("```java").map(MatchResult::group)).hasSize(5);
        assertThat(all("<!-- example: \\w+ -->\n```java").map(MatchResult::group)).hasSize(5);
    }

    @Test
    void generateTable_againstHelp_namesTheSameOptions() {
        var known = options(GenerateOptions.parse("--help").usage());
        known.remove("--help");
        assertThat(options(firstColumn(section("generate.md", "Options")))).containsExactlyInAnyOrderElementsOf(known);
    }

    @Test
    void launcherTable_againstHelp_namesTheSameOptions() {
        var table = firstColumn(section("running.md", "Jobs and options"));
        Set<String> shown = Pattern.compile("(?<=[` ])--?[a-zA-Z][a-z-]*").matcher(table).results()
                .map(MatchResult::group).collect(Collectors.toCollection(TreeSet::new));
        Set<String> known = new TreeSet<>();
        new CommandLine(Mpjrun.class).getCommandSpec().options().stream()
                .filter(option -> !option.usageHelp() && !option.hidden())
                .forEach(option -> {
                    var names = Arrays.asList(option.names());
                    known.addAll(names);
                    assertThat(shown).as("one of %s", names).containsAnyElementsOf(names);
                });
        assertThat(known).containsAll(shown);
    }

    @Test
    void scripts_inTheText_exist() {
        assertThat(all("launch/(?!setup)\\w+\\.sh").map(script -> HOME.resolve(script.group())).distinct()).isNotEmpty()
                .allSatisfy(path -> assertThat(path).isExecutable());
    }

    @Test
    void files_inTheText_exist() {
        assertThat(
                all("(?<=[` ])(src/(main|test|site)|launch|conf|examples|\\.ci)/[\\w./-]*\\w").map(MatchResult::group)
                        .distinct()).hasSizeGreaterThan(5).allSatisfy(file -> assertThat(HOME.resolve(file)).exists());
    }

    @Test
    void links_leadToFilesAndHeadings() {
        assertThat(broken(Pattern.compile("]\\((?!https?:)([^)#]*)#?([^)]*)\\)"), (page, link) -> {
            Path target = link.group(1).isEmpty() ? page : page.resolveSibling(link.group(1)).normalize();
            return Files.exists(target) && (link.group(2).isEmpty() || headings(target).contains(link.group(2)));
        })).isEmpty();
    }

    @Test
    void pages_allAreLinkedFromTheReadme() {
        assertThat(TEXTS.keySet().stream().filter(page -> !page.equals(README)).map(HOME::relativize)).isNotEmpty()
                .allSatisfy(page -> assertThat(TEXTS.get(README)).contains("(" + page + ")"));
    }

    @Test
    void variables_inTheText_areLookedAt() throws IOException {
        String looking = contents("src/main/java") + contents("launch");
        assertThat(all("LOCKSTEP_[A-Z_0-9]+").map(MatchResult::group).distinct()).hasSizeGreaterThan(5)
                .allSatisfy(name -> assertThat(looking.contains(name)).as(name).isTrue());
    }

    @Test
    void classes_onThePagesOfTheCode_exist() throws IOException {
        Set<String> classes;
        try (Stream<Path> sources = Files.walk(HOME.resolve("src"))) {
            classes = sources.map(source -> source.getFileName().toString()).filter(name -> name.endsWith(".java"))
                    .map(name -> name.replace(".java", "")).collect(Collectors.toSet());
        }
        for (String page : List.of("architecture.md", "contributing.md")) {
            var named = Pattern.compile("`([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\\.\\w+)?`")
                    .matcher(TEXTS.get(PAGES.resolve(page)))
                    .results().map(match -> match.group(1)).collect(Collectors.toCollection(TreeSet::new));
            named.removeAll(Set.of("Class", "TypeReference", "ProcessBuilder")); // of Java and Jackson
            assertThat(named).as(page).hasSizeGreaterThan(10).isSubsetOf(classes);
        }
    }

    @Test
    void rooms_onTheMap_areThePackages() throws IOException {
        Path root = HOME.resolve("src/main/java/dev/lockstep");
        Set<String> packages;
        try (Stream<Path> sources = Files.walk(root)) {
            packages = sources.filter(source -> source.toString().endsWith(".java"))
                    .map(source -> root.relativize(source).getName(0).toString()).collect(Collectors.toSet());
        }
        Set<String> rooms = Pattern.compile("(?m)^\\| `([a-z]+)` \\| ")
                .matcher(TEXTS.get(PAGES.resolve("architecture.md")))
                .results().map(room -> room.group(1)).collect(Collectors.toSet());
        assertThat(rooms).isEqualTo(packages);
    }

    private static Stream<MatchResult> all(String regex) {
        return TEXTS.values().stream().flatMap(text -> Pattern.compile(regex).matcher(text).results());
    }

    private static List<String> broken(Pattern pattern, BiPredicate<Path, MatchResult> good) {
        return TEXTS.entrySet().stream().flatMap(page -> pattern.matcher(page.getValue()).results()
                .filter(match -> !good.test(page.getKey(), match))
                .map(match -> HOME.relativize(page.getKey()) + ": " + match.group())).toList();
    }

    /** As GitHub makes them of headings. */
    private static Set<String> headings(Path page) {
        return Pattern.compile("(?m)^#+ (.*)$").matcher(TEXTS.get(page)).results().map(heading -> heading.group(1)
                .toLowerCase(Locale.ROOT).replaceAll("[^\\w -]", "").replace(' ', '-')).collect(Collectors.toSet());
    }

    private static String section(String page, String heading) {
        String text = TEXTS.get(PAGES.resolve(page));
        int start = text.indexOf("\n## " + heading + "\n");
        assertThat(start).as(heading).isPositive();
        int end = text.indexOf("\n## ", start + 1);
        return text.substring(start, end < 0 ? text.length() : end);
    }

    private static String firstColumn(String section) {
        return section.lines().filter(line -> line.startsWith("| `")).map(line -> line.split("(?<!\\\\)\\|")[1])
                .collect(Collectors.joining("\n"));
    }

    private static Set<String> options(String text) {
        return Pattern.compile("(?<![\\w-])--[a-z][a-z-]+").matcher(text).results().map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String contents(String folder) throws IOException {
        try (Stream<Path> files = Files.walk(HOME.resolve(folder))) {
            return files.filter(Files::isRegularFile).map(file -> {
                try {
                    return Files.readString(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }).collect(Collectors.joining());
        }
    }
}
