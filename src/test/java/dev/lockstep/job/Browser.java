package dev.lockstep.job;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.opentest4j.TestAbortedException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Shows pages in a headless Chromium, each in frames of several widths, and tells what {@code page-check.js} found in them.
 * That takes no library: the browser prints the page that holds the frames once the script is through.
 */
final class Browser {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Browser() {}

    private static Path chromium() {
        return Stream.of("chromium", "chromium-browser", "google-chrome")
                .flatMap(name -> Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .map(directory -> Path.of(directory, name)))
                .filter(Files::isExecutable).findFirst()
                .orElseThrow(() -> new TestAbortedException("there is no browser: install the package chromium"));
    }

    /**
     * @param pages HTML by name
     * @return for each page and width what the script found, with the page's name and the width
     */
    static List<JsonNode> look(Path directory, Map<String, String> pages, boolean dark, int... widths) {
        StringBuilder frames = new StringBuilder();
        pages.forEach((name, html) -> {
            for (int width : widths) {
                frames.append("<iframe name=\"").append(Html.escape(name)).append("\" width=\"").append(width)
                        .append("\" height=\"900\" srcdoc=\"")
                        .append(html.replace("&", "&amp;").replace("\"", "&quot;"))
                        .append("\"></iframe>\n");
            }
        });
        try {
            Path page = Files.writeString(directory.resolve("frames.html"), "<!doctype html><meta charset=\"utf-8\">\n"
                    + frames + "<pre id=\"found\"></pre>\n<script>\n"
                    + new String(Browser.class.getResourceAsStream("/page-check.js").readAllBytes(),
                            StandardCharsets.UTF_8)
                    + "</script>\n");
            Path output = directory.resolve("browser.out");
            List<String> command = new ArrayList<>(List.of(chromium().toString(), "--headless", "--no-sandbox",
                    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                    "--disable-sync", "--user-data-dir=" + Files.createTempDirectory(directory, "profile"),
                    "--blink-settings=preferredColorScheme=" + (dark ? 0 : 1), "--dump-dom", page.toUri().toString()));
            Process browser = new ProcessBuilder(command).redirectOutput(output.toFile())
                    .redirectError(directory.resolve("browser.err").toFile()).start();
            if (!browser.waitFor(60, TimeUnit.SECONDS)) {
                browser.descendants().forEach(ProcessHandle::destroyForcibly);
                browser.destroyForcibly();
            }
            String dom = Files.readString(output);
            int from = dom.indexOf("<pre id=\"found\">[");
            assertThat(from).as("the browser's page ends with %s; %s", dom.substring(Math.max(0, dom.length() - 200)),
                    Files.readString(directory.resolve("browser.err"))).isPositive();
            String found = dom.substring(from + 16, dom.indexOf("</pre>", from)).replace("&lt;", "<")
                    .replace("&gt;", ">").replace("&amp;", "&");
            List<JsonNode> frame = new ArrayList<>();
            JSON.readTree(found).forEach(frame::add);
            assertThat(frame).hasSize(pages.size() * widths.length);
            return frame;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
