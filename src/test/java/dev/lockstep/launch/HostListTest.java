package dev.lockstep.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.host.UsageException;
import dev.lockstep.wire.HostRanks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class HostListTest {
    @TempDir
    private Path temp;

    @Test
    void parse_addsTheSlotsOfAHostNamedTwice() {
        assertThat(HostList.parse("b:2, user@a ,b,10.0.0.7:3,[fe80::1]:4,fd00::2").slots()).containsExactly(
                Map.entry("b", 3), Map.entry("user@a", 1), Map.entry("10.0.0.7", 3), Map.entry("[fe80::1]", 4),
                Map.entry("fd00::2", 1));
    }

    @Test
    void read_takesTheThreeFormsAndComments() throws IOException {
        Path file = Files.writeString(temp.resolve("hosts"), "# all\na\n\n  b:4 # four\nc slots=2\r\na slots=1\n");
        HostList list = HostList.read("host file hosts", file);
        assertThat(list.slots()).containsExactly(Map.entry("a", 2), Map.entry("b", 4), Map.entry("c", 2));
        assertThat(list.size()).isEqualTo(8);
        HostList example = HostList.read("x", Launched.HOME.resolve("conf/hosts.example"));
        assertThat(example.slots()).containsExactly(Map.entry("gpu1", 4), Map.entry("gpu2", 4),
                Map.entry("user@gpu3.example.org", 1));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            a slots=x      | host file F line 1: "x" is not a number of slots
            a:0            | host file F line 1: "0" is not a number of slots
            a:99999999999  | host file F line 1: "99999999999" is not a number of slots
            a max=4        | host file F line 1: "a max=4" is none of: host, host:4, host slots=4
            -l root        | host file F line 1: "-l root" is none of
            -oX=y          | host file F line 1: "-oX=y" is not a host name
            a;b            | host file F line 1: "a;b" is not a host name
            # nothing      | host file F: it names no host
            """)
    void read_namesTheLineThatIsWrong(String line, String sentence) throws IOException {
        Path file = Files.writeString(temp.resolve("hosts"), line + "\n");
        assertThatThrownBy(() -> HostList.read("host file F", file)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith(sentence);
    }

    @Test
    void share_fillsHostsInOrderAndThenOverAgain() {
        HostList list = HostList.parse("a:2,b");
        assertThat(list.share(2, false)).containsExactly(new HostRanks(List.of(0, 1), 2, 0, 2, "a"));
        assertThat(list.share(5, true)).containsExactly(new HostRanks(List.of(0, 1, 3, 4), 5, 0, 4, "a"),
                new HostRanks(List.of(2), 5, 0, 1, "b"));
        assertThatThrownBy(() -> list.share(4, false)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("-np 4 is more than the 3 slots of a, b");
    }
}
