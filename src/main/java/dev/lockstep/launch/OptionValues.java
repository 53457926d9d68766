package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import dev.lockstep.host.IoReason;
import dev.lockstep.host.UsageException;

/** What the values of the launcher's options mean; what means nothing is refused in a sentence that names the option. */
final class OptionValues {
    private OptionValues() {}

    /** Relative entries start where the user is, not in the ranks' working directory. */
    static List<String> classPath(@Nullable String given, Path here) {
        List<String> entries = new ArrayList<>();
        for (String entry : given == null ? new String[0] : given.split(":")) {
            entries.addAll(entry.startsWith("@") ? listed(entry, here) : List.of(entry));
        }
        return entries.stream().filter(entry -> !entry.isBlank())
                .map(entry -> here.resolve(entry).normalize().toString())
                .toList();
    }

    /** What the file of an entry such as @target/classpath has, as Maven writes it: entries with colons between them. */
    private static List<String> listed(String entry, Path here) {
        try {
            return List.of(Files.readString(here.resolve(entry.substring(1))).strip().split("[:\\n]"));
        } catch (IOException e) {
            throw new UsageException("-cp " + entry + ": the file with the class path cannot be read: "
                    + IoReason.of(e) + "; mvn dependency:build-classpath -Dmdep.outputFile=" + entry.substring(1)
                    + " writes it");
        }
    }

    static int ranks(String text) {
        try {
            int count = Integer.parseInt(text.strip());
            if (count > 0) {
                return count;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new UsageException("-np " + text + ": the number of ranks must be a whole number, 1 or more");
    }

    static Duration seconds(String name, String text) {
        try {
            double seconds = Double.parseDouble(text.strip());
            if (seconds > 0 && seconds <= 1e9) {
                return Duration.ofMillis(Math.round(seconds * 1000));
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new UsageException(name + " " + text + ": give a number of seconds above 0");
    }

    /** @return 0 or more */
    static int count(String option, String text) {
        if (!text.strip().matches("\\d{1,9}")) {
            throw new UsageException(option + " " + text + ": give a whole number, 0 or more");
        }
        return Integer.parseInt(text.strip());
    }
}
