package dev.lockstep.host;

import java.util.Locale;

/** Amounts as people read them. */
public final class Amounts {
    private static final String[] UNITS = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    private static final double STEP = 1000;

    private Amounts() {}

    /** Bytes in powers of 1,000, as disks and downloads are measured: {@code 16.1 GB}. */
    public static String bytes(long bytes) {
        double amount = bytes;
        int unit = 0;
        // 999.95 would be shown as 1000.0
        while (amount >= (unit == 0 ? STEP : STEP - 0.05) && unit < UNITS.length - 1) {
            amount /= STEP;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", amount, UNITS[unit]);
    }

    /** Seconds in the two largest units. */
    public static String duration(long seconds) {
        return seconds < 60
                ? seconds + " s"
                : seconds < 3600
                        ? seconds / 60 + " min " + seconds % 60 + " s"
                        : seconds / 3600 + " h " + seconds / 60 % 60 + " min";
    }

    /** A time in seconds, such as 5 or 0.25. */
    public static String seconds(long millis) {
        return millis % 1000 == 0 ? Long.toString(millis / 1000) : Double.toString(millis / 1e3);
    }
}
