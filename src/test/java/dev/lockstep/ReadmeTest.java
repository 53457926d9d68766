package dev.lockstep;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.lockstep.batch.GenerateOptions;

import static org.assertj.core.api.Assertions.assertThat;

/** What the README shows has to work as it stands. */
class ReadmeTest {
    private static final Path HOME = Path.of(System.getProperty("lockstep.home"));
    private static String readme;

    @BeforeAll
    static void read() throws Exception {
        readme = Files.readString(HOME.resolve("README.md"));
    }

    @Test
    void example_compiled_hasNoErrorAndNoWarning(@TempDir Path classes) {
        var block = Pattern.compile("<!-- example: (\\w+) -->\n```java\n(.*?)```", Pattern.DOTALL).matcher(readme);
        assertThat(block.find()).as("a java block marked as example").isTrue();
        var name = block.group(1);
        var code = block.group(2);
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

    @Test
    void generateTable_againstHelp_namesTheSameOptions() {
        var table = readme.substring(readme.indexOf("| `generate` |"), readme.indexOf("## What comes out"));
        var shown = options(table);
        var known = options(GenerateOptions.usage());
        known.remove("--help");
        assertThat(shown).containsExactlyInAnyOrderElementsOf(known);
    }

    @Test
    void scripts_inTheText_exist() {
        var script = Pattern.compile("launch/\\w+\\.sh").matcher(readme);
        assertThat(script.results().map(r -> HOME.resolve(r.group())).distinct()).isNotEmpty()
                .allSatisfy(path -> assertThat(path).isExecutable());
    }

    private static List<String> options(String text) {
        return new ArrayList<>(Pattern.compile("(?<![\\w-])--[a-z][a-z-]+").matcher(text).results()
                .map(r -> r.group()).distinct().toList());
    }
}
