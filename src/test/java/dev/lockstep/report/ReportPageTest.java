package dev.lockstep.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import dev.lockstep.fixtures.Browser;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.generate.FinishReason;
import dev.lockstep.generate.Timing;
import dev.lockstep.results.Tally;

import static org.assertj.core.api.Assertions.assertThat;

/** The page as a browser shows it. */
class ReportPageTest {
    private static final String EVIL = "<script>document.title='x'</script></table><img src=x onerror=\"alert(1)\"> & \u202etxet";

    @TempDir
    private Path temp;

    /** A job of so many ranks and rows, with something of everything. */
    private static ReportPage page(int ranks, int rows, double seconds, int failed) {
        Random random = new Random(rows);
        List<RankTrace.Snapshot> traces = new ArrayList<>();
        List<Report.RankReport> reports = new ArrayList<>();
        long tokens = 0;
        for (int rank = 0; rank < ranks; rank++) {
            Timeline timeline = new Timeline();
            double end = seconds * (1 - 0.1 * rank / ranks);
            long mine = 0;
            Timing timing = Timing.NONE;
            for (int step = 1; step <= 500; step++) {
                double each = end / 500;
                timing = timing.plus(step % 9 == 1
                        ? new Timing(each * 0.9, 0, 0, 0)
                        : step > 470 ? new Timing(0, 0, each, 0) : new Timing(0, each * 0.8, 0, 1));
                mine += step > 470 ? 0 : random.nextInt(40);
                timeline.advance(step * each, mine, timing);
            }
            List<SlowSample> slowest = new ArrayList<>();
            for (int i = rank; i < Math.min(rows, 20); i += ranks) {
                slowest.add(new SlowSample(i, i == 3 ? "no-space-in-it-".repeat(10) : "row-" + i, 0, rank,
                        i == 0 ? EVIL : i == 1 ? "unbroken".repeat(20) : "Call me Ishmael, said he, number " + i, 12,
                        100, seconds / (i + 2), FinishReason.LENGTH));
            }
            traces.add(new RankTrace.Snapshot(1.2 + rank * 0.1, 2.5, timeline.buckets(), slowest));
            reports.add(
                    new Report.RankReport(rank, "node-" + rank / 4 + ".cluster.example", "cuda:0", rows / ranks, mine,
                            end, timing.prefillSeconds(), timing.decodeSeconds(), timing.steps(), 70_000_000_000L,
                            new Report.Prompting(1000, 200, 3), new Report.Drafting(0, 0),
                            new Report.Start(0.5, 0.3, 1.2, 0.2, 0.9, 1.1 + rank, 0.3, 0.1, 0.4, 0.6)));
            tokens += mine;
        }
        Tally tally = new Tally();
        for (int i = 0; i < rows; i++) {
            boolean bad = i < failed;
            tally.add(bad ? (i % 2 == 0 ? "line " + i + ": " + EVIL : "the prompt has no tokens") : null, 12,
                    bad ? 0 : (int) Math.abs(random.nextGaussian() * 100));
        }
        Report report = Report.of(new Summary(tokens, rows, seconds), tally, 16, "bfloat16", "cuda",
                "/models/" + (failed > 0 ? EVIL : "Qwen3-8B"), 1.9, 1, 0, List.of(), reports);
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("model", report.model());
        settings.put("stop", List.of(EVIL));
        settings.put("path", "/a/very/long/path/without/any/space".repeat(5));
        return new ReportPage(report, traces, tally, settings);
    }

    @ParameterizedTest
    @LongRun(butFor = 1)
    @ValueSource(booleans = {false, true})
    void page_inABrowser_missesNothingAndNothingOverlaps(boolean dark) {
        Map<String, String> pages = new LinkedHashMap<>();
        pages.put("one rank, one row", page(1, 1, 0.4, 0).html());
        pages.put("eight ranks, failed rows", page(8, 300, 138, 7).html());
        pages.put("a hundred ranks", page(100, 100_000, 7300, 0).html());
        pages.put("all failed", page(2, 5, 0.01, 5).html());
        // so that it is known to be seen
        pages.put("broken", page(2, 300, 100, 0).html().replace("</style>",
                ".axis span { left: 10px !important } .legend li { color: var(--line) }"
                        + " h2 { margin-left: 2000px }</style>"));
        List<JsonNode> seen = Browser.look(temp, pages, dark, 360, 800, 1400);
        for (JsonNode frame : seen) {
            String name = frame.get("name").asText();
            String what = name + " at " + frame.get("width") + ": " + frame.get("problems");
            if (name.equals("broken")) {
                assertThat(what).contains("overlap: ", "contrast ", "outside: ", "wider than its window");
                continue;
            }
            boolean failures = name.contains("failed");
            int ranks = name.startsWith("one") ? 1 : name.startsWith("eight") ? 8 : name.startsWith("all") ? 2 : 64;
            assertThat(frame.get("problems")).as(what).isEmpty();
            assertThat(frame.get("foreign").asInt()).as(what).isZero();
            assertThat(frame.get("sections")).extracting(JsonNode::asText).as(what).containsExactlyElementsOf(failures
                    ? List.of("course", "ranks", "start", "lengths", "failures", "slowest", "settings")
                    : List.of("course", "ranks", "start", "lengths", "slowest", "settings"));
            assertThat(frame.get("title").asText()).startsWith("generate: ").isNotEqualTo("x");
            assertThat(frame.get("figures")).hasSize(6);
            assertThat(frame.get("legend")).extracting(JsonNode::asText).containsExactly("load", "prefill", "decode",
                    "other", "idle");
            assertThat(List.of(frame.get("strips").asInt(), frame.get("loads").asInt(), frame.get("decodes").asInt(),
                    frame.get("ranks").asInt())).as(what).containsOnly(ranks);
            assertThat(frame.get("rate").asInt()).isOne();
            assertThat(frame.get("bars").asInt()).as(what)
                    .matches(bars -> name.startsWith("all") ? bars == 0 : bars > 0);
            assertThat(frame.get("slowest").get(0).asText()).isEqualTo(EVIL);
            assertThat(frame.get("slowest")).hasSize(name.startsWith("one") ? 1 : name.startsWith("all") ? 5 : 20);
            assertThat(frame.get("settings")).hasSize(3);
            if (failures) {
                assertThat(frame.get("failures").get(0).asText()).contains(EVIL);
            }
        }
    }

    @Test
    void html_ofAnyJob_isOnePageOfBoundedSize() {
        String small = page(1, 1, 0.4, 0).html();
        String large = page(100, 100_000, 7300, 300).html();
        assertThat(small.length()).isBetween(20_000, 60_000);
        assertThat(large.length()).isLessThan(1_000_000);
        for (String html : List.of(small, large)) {
            assertThat(html).doesNotContain("<script").doesNotContain("<img").doesNotContain("http")
                    .doesNotContain("url(").doesNotContain("@import").doesNotContain("NaN").doesNotContain("Infinity");
        }
        assertThat(large).contains("Drawn are the first 64 of 100 ranks").contains("&lt;script&gt;");
    }

    @Test
    void html_nothingToDo_isAPageToo() {
        Report report = Report.of(new Summary(0, 0, 0), new Tally(), 1, "float32", "cpu", "m", 0, 1, 0, List.of(),
                List.of());
        assertThat(new ReportPage(report, List.of(), new Tally(), Map.of()).html()).contains("No row has any.")
                .doesNotContain("NaN").doesNotContain("Infinity");
    }
}
