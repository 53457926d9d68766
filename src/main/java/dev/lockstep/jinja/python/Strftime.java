package dev.lockstep.jinja.python;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.util.Locale;

import dev.lockstep.jinja.rendering.TemplateException;

/** Python's {@code strftime} in the C locale. */
public final class Strftime {
    private Strftime() {}

    /**
     * @throws TemplateException naming a directive that is not supported
     */
    public static String format(LocalDateTime now, String format) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            if (format.charAt(i) != '%') {
                out.append(format.charAt(i));
                continue;
            }
            boolean unpadded = format.startsWith("-", i + 1);
            i += unpadded ? 2 : 1;
            String text = directive(now, i < format.length() ? format.charAt(i) : ' ');
            out.append(unpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(LocalDateTime now, char directive) {
        int weekday = now.getDayOfWeek().getValue();
        return switch (directive) {
            case '%' -> "%";
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'w' -> String.valueOf(weekday % 7);
            case 'u' -> String.valueOf(weekday);
            case 'U' -> two((now.getDayOfYear() + 6 - weekday % 7) / 7);
            case 'W' -> two((now.getDayOfYear() + 6 - (weekday - 1)) / 7);
            case 'V' -> two(now.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'G' -> String.valueOf(now.get(IsoFields.WEEK_BASED_YEAR));
            case 'C' -> two(now.getYear() / 100);
            case 's' -> String.valueOf(ChronoUnit.SECONDS.between(LocalDateTime.of(1970, 1, 1, 0, 0), now));
            // the clock is that of the machine, without a zone, as datetime.now() is
            case 'z', 'Z' -> "";
            case 'P' -> pattern(now, "a").toLowerCase(Locale.ROOT);
            case 'k' -> pattern(now, "ppH");
            case 'l' -> pattern(now, "pph");
            default -> pattern(now, pattern(directive));
        };
    }

    private static String two(int number) {
        return (number < 10 ? "0" : "") + number;
    }

    private static String pattern(LocalDateTime now, String pattern) {
        return DateTimeFormatter.ofPattern(pattern, Locale.US).format(now);
    }

    private static String pattern(char directive) {
        return switch (directive) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'd' -> "dd";
            case 'e' -> "ppd";
            case 'j' -> "DDD";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'f' -> "SSSSSS";
            case 'F' -> "yyyy-MM-dd";
            case 'T', 'X' -> "HH:mm:ss";
            case 'R' -> "HH:mm";
            case 'r' -> "hh:mm:ss a";
            case 'D', 'x' -> "MM/dd/yy";
            case 'c' -> "EEE MMM ppd HH:mm:ss yyyy";
            default -> throw new TemplateException("strftime_now does not support %" + directive);
        };
    }
}
