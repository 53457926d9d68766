package dev.lockstep.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

import dev.lockstep.host.UsageException;

/**
 * Options of other programs that people type out of habit: some have another name here, some need no doing, and for the
 * others there is better advice than that they are unknown. They are lines of {@code foreign-options.txt}. Hyphens may be
 * typed as underscores, in their names and in our own.
 */
public final class ForeignOptions {
    /** Where the launcher's options are typed; jobs have theirs by their own names. */
    public static final String LAUNCHER = "launcher";

    private static final List<Line> LINES = read();

    /** What is done with an option. */
    public enum Treatment {
        /** It becomes other words. */
        RENAMED('='),
        /** It is taken and does nothing. */
        WITHOUT_EFFECT('~'),
        /** It is refused. */
        REFUSED('!');

        private final char sign;

        Treatment(char sign) {
            this.sign = sign;
        }

        private static Treatment of(char sign) {
            for (Treatment treatment : values()) {
                if (treatment.sign == sign) {
                    return treatment;
                }
            }
            throw new IllegalArgumentException("no treatment has the sign " + sign);
        }
    }

    /**
     * One option.
     *
     * @param where     {@link #LAUNCHER} or a job's name
     * @param values    how many words after it are its own
     * @param from      whose it is
     * @param treatment what is done with it
     * @param text      the words that it becomes, why it does nothing, or what to do instead
     */
    public record Line(String where, String option, int values, String from, Treatment treatment, String text) {}

    /**
     * A command line without options of others.
     *
     * @param notes   a sentence for each option that does nothing
     * @param unknown options that are nobody's, as they were typed
     */
    public record Translation(List<String> args, List<String> notes, List<String> unknown) {}

    private ForeignOptions() {}

    /** All of them, in the order of the file. */
    public static List<Line> lines() {
        return LINES;
    }

    /** What is done with an option where nothing of that name is our own. */
    public static Optional<Line> find(String where, String option) {
        String name = hyphened(option);
        return LINES.stream().filter(line -> line.where.equals(where) && line.option.equals(name)).findFirst();
    }

    /**
     * @param where     {@link #LAUNCHER} or a job's name
     * @param own       the options that are our own
     * @param wholeLine whether options may come after other words; else all that follows the first of these is left alone
     * @throws UsageException for an option that is refused
     */
    public static Translation translate(String where, CommandLine own, List<String> args, boolean wholeLine) {
        List<String> words = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        int next = 0;
        while (next < args.size()) {
            String word = args.get(next);
            if (word.equals("--") || !wholeLine && !isOption(word)) {
                break;
            }
            next++;
            if (!isOption(word)) {
                words.add(word);
                continue;
            }
            int equals = word.indexOf('=');
            String typed = equals < 0 ? word : word.substring(0, equals);
            OptionSpec mine = option(own, typed);
            if (mine != null) {
                words.add(List.of(mine.names()).contains(typed)
                        ? word
                        : hyphened(typed) + word.substring(typed.length()));
                for (int i = equals < 0 ? mine.arity().min() : 0; i > 0 && next < args.size(); i--) {
                    words.add(args.get(next++));
                }
                continue;
            }
            Optional<Line> found = find(where, typed);
            if (found.isEmpty()) {
                words.add(word);
                unknown.add(typed);
                continue;
            }
            Line line = found.get();
            List<String> values = new ArrayList<>();
            if (equals >= 0) {
                values.add(word.substring(equals + 1));
            }
            while (values.size() < line.values && next < args.size()) {
                values.add(args.get(next++));
            }
            apply(line, typed, values, words, notes);
        }
        words.addAll(args.subList(next, args.size()));
        return new Translation(words, notes, unknown);
    }

    private static void apply(Line line, String typed, List<String> values, List<String> words, List<String> notes) {
        if (line.treatment == Treatment.REFUSED) {
            throw new UsageException(typed + ": " + line.text);
        }
        if (values.size() != line.values) {
            throw new UsageException(line.values == 0
                    ? typed + " takes no value, not " + values.get(0)
                    : typed + " needs " + (line.values == 1 ? "a value" : line.values + " values") + " after it");
        }
        if (line.treatment == Treatment.WITHOUT_EFFECT) {
            notes.add(typed + " has no effect: " + line.text);
            return;
        }
        for (String word : line.text.split(" ")) {
            String filled = word;
            for (int i = 0; i < values.size(); i++) {
                filled = filled.replace("$" + (i + 1), values.get(i));
            }
            words.add(filled);
        }
    }

    /** Whether this is an option of the program, or one of others that it has advice for. */
    public static boolean knows(String where, CommandLine own, String typed) {
        return option(own, typed) != null || find(where, typed).isPresent();
    }

    private static @Nullable OptionSpec option(CommandLine own, String typed) {
        for (String name : List.of(typed, hyphened(typed))) {
            OptionSpec mine = own.getCommandSpec().findOption(name);
            if (mine != null) {
                return mine;
            }
        }
        return own.getSubcommands().values().stream().map(sub -> option(sub, typed)).filter(Objects::nonNull)
                .findFirst().orElse(null);
    }

    private static String hyphened(String option) {
        return option.startsWith("--") ? option.replace('_', '-') : option;
    }

    private static boolean isOption(String word) {
        return word.length() > 1 && word.startsWith("-") && !Character.isDigit(word.charAt(1));
    }

    private static List<Line> read() {
        try (BufferedReader file = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(ForeignOptions.class.getResourceAsStream("foreign-options.txt")),
                StandardCharsets.UTF_8))) {
            return file.lines().filter(line -> !line.isBlank() && !line.startsWith("#")).map(line -> {
                String[] fields = line.split(" \\| ", 5);
                return new Line(fields[0], fields[1], Integer.parseInt(fields[2]), fields[3],
                        Treatment.of(fields[4].charAt(0)), fields[4].substring(2));
            }).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
