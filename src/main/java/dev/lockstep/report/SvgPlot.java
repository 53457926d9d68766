package dev.lockstep.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The arithmetic of charts: ticks at round numbers, and series as paths of SVG. */
final class SvgPlot {
    /** Seconds at which clocks have marks; below these, and above, 1, 2 and 5 times a power of ten. */
    private static final double[] CLOCK = {10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200,
            86400};

    private SvgPlot() {}

    /** The smallest of 1, 2 and 5 times a power of ten that is not below this. */
    static double roundUp(double value) {
        double power = Math.pow(10, Math.floor(Math.log10(value)));
        for (double factor : new double[]{1, 2, 5}) {
            if (factor * power >= value * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    /** Between marks of a time axis of this length, which gets some six of them at most. */
    static double timeStep(double seconds) {
        double least = seconds / 6;
        if (least > 5 && least <= CLOCK[CLOCK.length - 1]) {
            for (double step : CLOCK) {
                if (step >= least) {
                    return step;
                }
            }
        }
        return roundUp(least);
    }

    /** Multiples of the step from one to the other. */
    static List<Double> ticks(double from, double to, double step) {
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-9); i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    /** A time as an axis of marks in this step shows it: {@code 0.25 s}, {@code 12 s}, {@code 3:30}, {@code 1:05:00}. */
    static String time(double seconds, double step) {
        String sign = seconds < 0 ? "−" : "";
        double size = Math.abs(seconds);
        if (step >= 60 || size >= 180 && step >= 10) {
            long whole = Math.round(size);
            return sign + (whole >= 3600
                    ? String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
                    : String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60));
        }
        int digits = (int) Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
        return sign + String.format(Locale.ROOT, "%." + digits + "f s", size);
    }

    /**
     * A band between two series as a path, one unit wide for each value. Steps of equal height are one.
     *
     * @param lower from 0 at the bottom to {@code height} at the top
     * @param upper as lower; where they are equal everywhere the path is empty
     */
    static String band(double[] lower, double[] upper, int height) {
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < upper.length; i++) {
            int from = i;
            while (i + 1 < upper.length && round(upper[i + 1]) == round(upper[from])
                    && round(lower[i + 1]) == round(lower[from])) {
                i++;
            }
            long tall = round(upper[from]) - round(lower[from]);
            if (tall > 0) {
                path.append('M').append(from).append(' ').append(height - round(lower[from])).append('H').append(i + 1)
                        .append('v').append(-tall).append('H').append(from).append('z');
            }
        }
        return path.toString();
    }

    private static long round(double value) {
        return Math.round(value);
    }

    /** {@code 12,345}; {@code 12.3} where it is small. */
    static String number(double value) {
        return Math.abs(value) < 100 && value != Math.rint(value)
                ? String.format(Locale.ROOT, Math.abs(value) < 10 ? "%.2f" : "%.1f", value)
                : String.format(Locale.ROOT, "%,d", Math.round(value));
    }
}
