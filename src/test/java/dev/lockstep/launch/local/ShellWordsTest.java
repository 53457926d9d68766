package dev.lockstep.launch.local;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class ShellWordsTest {
    /** What a dry run shows can be pasted: bash reads it as the words that were meant. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "a b", "it's", "\u001b[2J", "a\\'b\nc"})
    void line_isReadByBashAsItWasMeant(String word) throws Exception {
        String line = ShellWords
                .line(new RankPlan(0, 0, "h", "", Map.of("NAME", word), List.of("printenv", "NAME"), Path.of("/")));
        assertThat(line).doesNotContain("\u001b", "\n");
        Process bash = new ProcessBuilder("bash", "-c", line).start();
        assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(word + "\n");
    }
}
