package dev.lockstep.launch.local;

import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.lockstep.host.Printable;
import dev.lockstep.wire.RankEnvironment;

/** Words as a POSIX shell reads them. */
public final class ShellWords {
    private ShellWords() {}

    /** The rank's environment and command as one line that can be pasted; without the token. */
    public static String line(RankPlan plan) {
        Stream<String> variables = new TreeMap<>(plan.environment()).entrySet().stream()
                .filter(variable -> !variable.getKey().equals(RankEnvironment.TOKEN))
                .map(variable -> variable.getKey() + "=" + shown(variable.getValue()));
        return Stream.concat(variables, plan.command().stream().map(ShellWords::shown))
                .collect(Collectors.joining(" "));
    }

    /** As it is shown and can be pasted into bash: a control character in it does nothing to the terminal. */
    private static String shown(String word) {
        return word.codePoints().allMatch(Printable::isPlain)
                ? quote(word)
                : "$'" + Printable.line(word.replace("\\", "\\\\").replace("'", "\\'")) + "'";
    }

    /** The words as one line that is shown. */
    public static String line(List<String> words) {
        return words.stream().map(ShellWords::shown).collect(Collectors.joining(" "));
    }

    public static String quote(String word) {
        return word.matches("[A-Za-z0-9_@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
