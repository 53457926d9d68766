package dev.lockstep.report;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The chart of a job over time: tokens per second of all ranks, and below it what each rank was doing. */
final class TraceChart {
    private static final int COLUMNS = 240;
    private static final int HEIGHT = 1000;
    private static final int STRIP = 100;
    private static final List<String> KINDS = List.of("load", "prefill", "decode", "other", "idle");

    private final Report report;
    private final List<RankTrace.Snapshot> traces;
    // the clock of generation begins at 0, so loading is before it
    private final double begin;
    private final double column;

    TraceChart(Report report, List<RankTrace.Snapshot> traces) {
        this.report = report;
        this.traces = traces;
        this.begin = -traces.stream().mapToDouble(RankTrace.Snapshot::readySeconds).max().orElse(0);
        this.column = Math.max(1e-6, report.seconds() - begin) / COLUMNS;
    }

    String html() {
        int shown = Math.min(ReportPage.MOST_RANKS, traces.size());
        StringBuilder plot = new StringBuilder(shown > 16 ? "<div class=\"plot many\">" : "<div class=\"plot\">");
        plot.append(throughput());
        for (int rank = 0; rank < shown; rank++) {
            plot.append(strip(rank));
        }
        plot.append("<div class=\"axis\">");
        double step = SvgPlot.timeStep(column * COLUMNS);
        for (double tick : SvgPlot.ticks(begin, report.seconds(), step)) {
            plot.append(mark("left", (tick - begin) / (column * COLUMNS), SvgPlot.time(tick, step)));
        }
        plot.append("</div></div>\n<ul class=\"legend\">");
        KINDS.forEach(kind -> plot.append("<li class=\"").append(kind).append("\">").append(kind).append("</li>"));
        plot.append("</ul>\n<p class=\"soft\">The dashed line is the mean over the whole time, ")
                .append(SvgPlot.number(report.tokensPerSecond()))
                .append(" tokens per second. The clock begins when all ranks are ready to generate; idle is a rank that has"
                        + " no row, other is what it does between steps.");
        if (shown < traces.size()) {
            plot.append(" Drawn are the first ").append(shown).append(" of ").append(SvgPlot.number(traces.size()))
                    .append(" ranks; the rate is that of all.");
        }
        return ReportPage.section("course", "Tokens per second, and what each rank did",
                plot.append("</p>\n").toString());
    }

    private String throughput() {
        double[] rate = new double[COLUMNS];
        for (int rank = 0; rank < traces.size(); rank++) {
            resample(rank, Timeline.Buckets::tokens, rate);
        }
        double most = report.tokensPerSecond();
        for (int i = 0; i < COLUMNS; i++) {
            rate[i] = Math.max(0, rate[i] / column);
            most = Math.max(most, rate[i]);
        }
        double step = SvgPlot.roundUp(Math.max(1, most) / 4);
        double top = Math.ceil(Math.max(1, most) / step) * step;
        double[] heights = new double[COLUMNS];
        StringBuilder touch = new StringBuilder();
        for (int i = 0; i < COLUMNS; i++) {
            heights[i] = HEIGHT * rate[i] / top;
            touch.append("<rect class=\"touch\" x=\"").append(i).append("\" width=\"1\" height=\"").append(HEIGHT)
                    .append("\"><title>").append(SvgPlot.time(begin + i * column, column)).append(": ")
                    .append(SvgPlot.number(rate[i])).append(" tokens/s</title></rect>");
        }
        double mean = HEIGHT * (1 - report.tokensPerSecond() / top);
        String lines = String.format(Locale.ROOT, "<path class=\"mean\" d=\"M%.2f %.1fH%d\"/>", -begin / column, mean,
                COLUMNS)
                + String.format(Locale.ROOT, "<path class=\"start\" d=\"M%.2f 0V%d\"/>", -begin / column, HEIGHT);
        return gutter(top, step) + "<div class=\"tall decode\">"
                + svg(COLUMNS, "tokens per second over time", grid(COLUMNS, top, step) + "<path class=\"rate\" d=\""
                        + SvgPlot.band(new double[COLUMNS], heights, HEIGHT) + "\"/>" + lines + touch)
                + "</div>";
    }

    private String strip(int index) {
        RankTrace.Snapshot trace = traces.get(index);
        Report.RankReport rank = report.ranks().get(index);
        double[] load = new double[COLUMNS];
        double[] idle = new double[COLUMNS];
        double[] prefill = new double[COLUMNS];
        double[] decode = new double[COLUMNS];
        double loaded = begin + Math.min(trace.loadSeconds(), -begin);
        spread(load, begin, loaded);
        spread(idle, loaded, 0);
        spread(idle, rank.seconds(), report.seconds());
        resample(index, Timeline.Buckets::prefill, prefill);
        resample(index, Timeline.Buckets::decode, decode);
        resample(index, Timeline.Buckets::waiting, idle);
        double[] other = new double[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            other[i] = Math.max(0, column - load[i] - idle[i] - prefill[i] - decode[i]);
        }
        StringBuilder paths = new StringBuilder();
        double[] lower = new double[COLUMNS];
        double[][] kinds = {load, prefill, decode, other};
        for (int kind = 0; kind < kinds.length; kind++) {
            double[] upper = new double[COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                upper[i] = Math.min(STRIP, lower[i] + STRIP * kinds[kind][i] / column);
            }
            paths.append("<path class=\"").append(KINDS.get(kind)).append("\" d=\"")
                    .append(SvgPlot.band(lower, upper, STRIP)).append("\"/>");
            lower = upper;
        }
        String title = String.format(Locale.ROOT,
                "rank %d on %s: load %.2f s, prefill %.2f s, decode %.2f s, idle %.2f s",
                rank.rank(), rank.host(), trace.loadSeconds(), rank.prefillSeconds(), rank.decodeSeconds(),
                trace.idleSeconds(rank.seconds(), report.seconds()));
        return "<div class=\"gutter strip\">rank " + rank.rank() + "</div><div class=\"strip\">"
                + svg(COLUMNS, STRIP, title, "<title>" + HtmlText.escape(title) + "</title>" + paths) + "</div>";
    }

    private void spread(double[] columns, double from, double to) {
        if (to > from) {
            Timeline.spread(columns, column, begin, from, to, to - from);
        }
    }

    private void resample(int rank, Function<Timeline.Buckets, float[]> kind, double[] columns) {
        float[] buckets = kind.apply(traces.get(rank).timeline());
        double width = traces.get(rank).timeline().width();
        for (int i = 0; i < buckets.length; i++) {
            // the last bucket reaches beyond the rank's end
            double to = Math.min((i + 1) * width, Math.max(i * width, report.ranks().get(rank).seconds()));
            Timeline.spread(columns, column, begin, i * width, to, buckets[i]);
        }
    }

    static String svg(int width, String name, String content) {
        return svg(width, HEIGHT, name, content);
    }

    private static String svg(int width, int height, String name, String content) {
        return "<svg role=\"img\" aria-label=\"" + HtmlText.escape(name) + "\" viewBox=\"0 0 " + width + " " + height
                + "\" preserveAspectRatio=\"none\">" + content + "</svg>";
    }

    /** Marks of a vertical axis from 0 to {@code top}. */
    static String gutter(double top, double step) {
        StringBuilder marks = new StringBuilder("<div class=\"gutter tall\">");
        SvgPlot.ticks(0, top, step).forEach(tick -> marks.append(mark("top", 1 - tick / top, SvgPlot.number(tick))));
        return marks.append("</div>").toString();
    }

    /** Lines at these marks. */
    static String grid(int width, double top, double step) {
        StringBuilder lines = new StringBuilder();
        for (double tick : SvgPlot.ticks(0, top, step)) {
            lines.append(String.format(Locale.ROOT, "M0 %.1fH%d", HEIGHT * (1 - tick / top), width));
        }
        return "<path class=\"grid\" d=\"" + lines + "\"/>";
    }

    /** A mark at this share of the axis. */
    static String mark(String side, double share, String text) {
        return String.format(Locale.ROOT, "<span style=\"%s:%.2f%%\">%s</span>", side, 100 * share, text);
    }
}
