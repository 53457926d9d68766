package dev.lockstep.launch;

import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.lockstep.wire.RankEnvironment;

/** Words as a POSIX shell reads them. */
final class Shell {
    private Shell() {}

    /** The rank's environment and command as one line that can be pasted; without the token. */
    static String line(RankPlan plan) {
        Stream<String> variables = new TreeMap<>(plan.environment()).entrySet().stream()
                .filter(variable -> !variable.getKey().equals(RankEnvironment.TOKEN))
                .map(variable -> variable.getKey() + "=" + quote(variable.getValue()));
        return Stream.concat(variables, plan.command().stream().map(Shell::quote)).collect(Collectors.joining(" "));
    }

    static String quote(String word) {
        return word.matches("[A-Za-z0-9_@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
