package dev.lockstep.wire;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class RankEnvironmentTest {
    private final RankEnvironment self = new RankEnvironment(3, 4, 1, 2, "h2", "cuda",
            new Traffic("auto", new PortRange(40_000, 40_100), true), "10.0.0.2",
            "127.0.0.1:7",
            "secret", new Past("a1b2", 2, List.of("rank 1 died", "rank 0 died, of \"é\"")));

    @Test
    void of_readsWhatVariablesGives() {
        assertThat(RankEnvironment.of(self.variables())).isEqualTo(self);
        assertThat(RankEnvironment.isIn(self.variables())).isTrue();
        assertThat(RankEnvironment.isIn(Map.of())).isFalse();
    }

    @Test
    void of_namesTheVariableThatIsWrong() {
        Map<String, String> variables = new HashMap<>(self.variables());
        variables.remove("LOCKSTEP_TOKEN");
        assertThatThrownBy(() -> RankEnvironment.of(variables)).hasMessageStartingWith("LOCKSTEP_TOKEN is not set");
        variables.put("LOCKSTEP_RANK", "first");
        assertThatThrownBy(() -> RankEnvironment.of(variables)).hasMessageStartingWith("LOCKSTEP_RANK is not a number");
    }
}
