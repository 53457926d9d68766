package dev.lockstep.wire;

import java.io.IOException;
import java.net.BindException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PortRangeTest {
    @Test
    void parse_readsWhatItsTextSays() {
        assertThat(PortRange.parse("40000-40100")).isEqualTo(new PortRange(40_000, 40_100));
        assertThat(PortRange.parse("7")).isEqualTo(new PortRange(7, 7));
        assertThat(PortRange.parse("")).isEqualTo(PortRange.ANY);
        for (String text : List.of("", "7-7", "40000-40100")) {
            assertThat(PortRange.parse(text)).hasToString(text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "9-4", "1-65536", "a", "-", "1-", "-1", "1-2-3", " 1", "1000000"})
    void parse_ofAnythingElse_isRefused(String text) {
        assertThatThrownBy(() -> PortRange.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bind_takesTheFirstThatIsFree_fromWhereItBegins() throws IOException {
        List<Integer> tried = new ArrayList<>();
        new PortRange(10, 12).bind(4, port -> {
            tried.add(port);
            if (port != 10) {
                throw new BindException("Address already in use");
            }
        });
        assertThat(tried).containsExactly(11, 12, 10);
    }

    @Test
    void bind_whenNoneIsFree_saysSo() {
        assertThatThrownBy(() -> new PortRange(10, 12).bind(-1, port -> {
            throw new BindException("Address already in use");
        })).hasMessage("none of the ports 10-12 is free");
        assertThatThrownBy(() -> new PortRange(10, 12).bind(-1, port -> {
            throw new BindException("Cannot assign requested address");
        })).hasMessage("Cannot assign requested address");
    }
}
