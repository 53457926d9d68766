package dev.lockstep.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import dev.lockstep.host.AtomicFile;
import dev.lockstep.results.FailureKinds;
import dev.lockstep.results.Histogram;
import dev.lockstep.results.Tally;

/**
 * A {@link Report} to look at: one HTML page that needs no other file and no script. Its size does not grow with the job,
 * of which it draws at most {@value #MOST_RANKS} ranks.
 *
 * @param report   the figures
 * @param traces  what each rank did when, in order of rank
 * @param tally    of all results, those of earlier runs of a resumed job included
 * @param settings by their names
 */
public record ReportPage(Report report, List<RankTrace.Snapshot> traces, Tally tally, Map<String, Object> settings) {
    static final int MOST_RANKS = 64;

    /** Writes the page; the file is replaced as a whole. */
    public void write(String file) throws IOException {
        AtomicFile.write(file, out -> out.write(html().getBytes(StandardCharsets.UTF_8)));
    }

    String html() {
        return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
                + HtmlText.escape("generate: " + model()) + "</title>\n<style>\n" + style() + "</style>\n</head>\n"
                + "<body>\n<main>\n" + head() + new TraceChart(report, traces).html() + rankTable() + startTable()
                + lengthPlot()
                + failureTable() + slowestTable() + settingList() + "</main>\n</body>\n</html>\n";
    }

    private static String style() {
        try (InputStream css = ReportPage.class.getResourceAsStream("report.css")) {
            return new String(css.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String model() {
        return report.model().replaceFirst(".*/(?=[^/])", "");
    }

    private String head() {
        String hosts = report.ranks().stream().map(Report.RankReport::host).distinct().limit(4)
                .collect(Collectors.joining(", "));
        long more = report.ranks().stream().map(Report.RankReport::host).distinct().count() - 4;
        return "<header><h1>" + HtmlText.escape(model()) + "</h1><p class=\"soft\">"
                + HtmlText
                        .escape(counted(report.prompts(), "prompt") + " through " + counted(report.worldSize(), "rank")
                                + " on " + hosts + (more > 0 ? " and " + counted(more, "more host") : ""))
                + "</p></header>\n<ul class=\"figures\">" + figure(report.tokensPerSecond(), "tokens per second", false)
                + figure(report.tokens(), report.tokens() == 1 ? "new token" : "new tokens", false)
                + figure(report.promptTokens(), "prompt tokens", false)
                + figure(report.seconds(), "seconds", false) + figure(report.loadSeconds(), "seconds to load", false)
                + figure(report.failed(), report.failed() == 1 ? "failed row" : "failed rows", report.failed() > 0)
                + "</ul>\n";
    }

    private static String counted(long count, String what) {
        return SvgPlot.number(count) + " " + what + (count == 1 ? "" : "s");
    }

    private static String figure(double value, String name, boolean bad) {
        return "<li" + (bad ? " class=\"bad\"" : "") + "><b>" + SvgPlot.number(value) + "</b>" + name + "</li>";
    }

    private String rankTable() {
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < Math.min(MOST_RANKS, traces.size()); i++) {
            Report.RankReport rank = report.ranks().get(i);
            RankTrace.Snapshot trace = traces.get(i);
            double other = Math.max(0, rank.seconds() - rank.prefillSeconds() - rank.decodeSeconds()
                    - trace.waitSeconds());
            rows.append("<tr>").append(cell(rank.rank())).append("<td class=\"name\"><bdi>")
                    .append(HtmlText.escape(rank.host())).append("</bdi></td><td class=\"name\">")
                    .append(HtmlText.escape(rank.device())).append("</td>").append(cell(rank.prompts()))
                    .append(cell(rank.tokens()))
                    .append(cell(rank.seconds() > 0 ? rank.tokens() / rank.seconds() : 0))
                    .append(cell(trace.loadSeconds())).append(cell(rank.prefillSeconds()))
                    .append(cell(rank.decodeSeconds())).append(cell(other))
                    .append(cell(trace.idleSeconds(rank.seconds(), report.seconds()))).append(cell(rank.steps()))
                    .append(cell(rank.peakMemoryBytes() / 1e6)).append("</tr>\n");
        }
        return section("ranks", "Ranks", "<div class=\"scroll\"><table><thead><tr><th>rank<th class=\"name\">host"
                + "<th class=\"name\">device<th>prompts<th>tokens<th>tokens/s<th>load s<th>prefill s<th>decode s"
                + "<th>other s<th>idle s<th>steps<th>peak MB</tr></thead><tbody>\n" + rows
                + "</tbody></table></div>\n");
    }

    private String startTable() {
        StringBuilder rows = new StringBuilder();
        for (Report.RankReport rank : report.ranks().subList(0, Math.min(MOST_RANKS, report.ranks().size()))) {
            Report.Start start = rank.start();
            rows.append("<tr>").append(cell(rank.rank()));
            for (double each : new double[]{start.launch(), start.jvm(), start.world(), start.tokenizer(),
                    start.library(), start.weights(), start.kernels(), start.warmUp(), start.firstTokens(),
                    start.graphs()}) {
                rows.append(cell(each));
            }
            rows.append("</tr>\n");
        }
        return section("start", "Start, in seconds", "<div class=\"scroll\"><table><thead><tr><th>rank<th>launch<th>JVM"
                + "<th>world, input<th>tokenizer<th>libtorch<th>weights<th>kernels<th>warm-up<th>first tokens<th>graphs"
                + "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n");
    }

    private static String cell(double value) {
        return "<td>" + SvgPlot.number(value) + "</td>";
    }

    private String lengthPlot() {
        Histogram lengths = tally.lengths();
        long[] counts = lengths.counts();
        if (counts.length == 0) {
            return section("lengths", "New tokens per row", "<p class=\"soft\">No row has any.</p>");
        }
        long most = 0;
        for (long count : counts) {
            most = Math.max(most, count);
        }
        double step = Math.max(1, SvgPlot.roundUp(most / 4.0));
        double top = Math.ceil(most / step) * step;
        StringBuilder bars = new StringBuilder();
        for (int i = 0; i < counts.length; i++) {
            int from = i * lengths.width();
            int to = from + lengths.width() - 1;
            double height = 1000 * counts[i] / top;
            bars.append(String.format(Locale.ROOT, "<path d=\"M%.1f 1000v%.1fh.8v%.1fz\"/>", i + 0.1, -height, height));
            bars.append("<rect class=\"touch\" x=\"").append(i).append("\" width=\"1\" height=\"1000\"><title>")
                    .append(from == to ? SvgPlot.number(from) : SvgPlot.number(from) + " to " + SvgPlot.number(to))
                    .append(" new tokens: ").append(counted(counts[i], "row")).append("</title></rect>");
        }
        StringBuilder marks = new StringBuilder();
        double span = (double) counts.length * lengths.width();
        double middle = lengths.width() == 1 ? 0.5 : 0;
        double between = Math.max(1, SvgPlot.roundUp(span / 6));
        for (double tick : SvgPlot.ticks(0, span - 2 * middle, between)) {
            marks.append(TraceChart.mark("left", (tick + middle) / span, SvgPlot.number(tick)));
        }
        String plot = "<div class=\"plot\">" + TraceChart.gutter(top, step) + "<div class=\"tall decode\">"
                + TraceChart.svg(counts.length, "rows by their number of new tokens",
                        TraceChart.grid(counts.length, top, step) + bars)
                + "</div><div class=\"axis\">" + marks + "</div></div>\n";
        return section("lengths", "New tokens per row", plot);
    }

    private String failureTable() {
        FailureKinds failures = tally.failures();
        if (failures.count() == 0) {
            return "";
        }
        StringBuilder rows = new StringBuilder();
        for (FailureKinds.Kind kind : failures.largest()) {
            rows.append("<tr>").append(cell(kind.count())).append("<td class=\"text\"><bdi>")
                    .append(HtmlText.escape(kind.first())).append("</bdi></td></tr>\n");
        }
        int rest = failures.ofOtherKinds();
        return section("failures", "Failed rows",
                "<table><thead><tr><th>rows<th class=\"text\">why, as the first of them says it</tr></thead><tbody>\n"
                        + rows + "</tbody></table>"
                        + (rest > 0 ? "<p class=\"soft\">and " + SvgPlot.number(rest) + " of other kinds</p>" : ""));
    }

    private String slowestTable() {
        SlowSample.Slowest all = new SlowSample.Slowest();
        traces.forEach(trace -> trace.slowest().forEach(all::add));
        List<SlowSample> slowest = all.rows();
        if (slowest.isEmpty()) {
            return "";
        }
        StringBuilder rows = new StringBuilder();
        for (SlowSample row : slowest) {
            rows.append("<tr>").append(named("seconds", "", SvgPlot.number(row.seconds())))
                    .append(named("id", "name", row.id())).append(named("sample", "", SvgPlot.number(row.sample())))
                    .append(named("rank", "", SvgPlot.number(row.rank())))
                    .append(named("prompt tokens", "", SvgPlot.number(row.promptTokens())))
                    .append(named("new tokens", "", SvgPlot.number(row.tokens())))
                    .append(named("finish", "", row.finishReason().toString().toLowerCase(Locale.ROOT)))
                    .append(named("prompt", "text prompt", row.prompt())).append("</tr>\n");
        }
        return section("slowest", "Slowest rows", "<div class=\"scroll\"><table><thead><tr><th>seconds"
                + "<th class=\"name\">id<th>sample<th>rank<th>prompt tokens<th>new tokens<th>finish"
                + "<th class=\"text\">prompt</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n");
    }

    /** A cell that carries its column's name, for windows too narrow for columns. */
    private static String named(String name, String kind, String text) {
        return "<td class=\"" + kind + "\" data-name=\"" + name + "\"><bdi>" + HtmlText.escape(text) + "</bdi></td>";
    }

    private String settingList() {
        StringBuilder list = new StringBuilder("<dl>\n");
        settings.forEach(
                (name, value) -> list.append("<div><dt>").append(HtmlText.escape(name)).append("</dt><dd><bdi>")
                        .append(HtmlText.escape(String.valueOf(value))).append("</bdi></dd></div>\n"));
        return section("settings", "Settings", list.append("</dl>\n").toString());
    }

    static String section(String id, String heading, String content) {
        return "<section id=\"" + id + "\"><h2>" + heading + "</h2>\n" + content + "</section>\n";
    }
}
