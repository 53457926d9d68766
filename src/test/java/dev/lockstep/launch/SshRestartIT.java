package dev.lockstep.launch;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import dev.lockstep.fixtures.Launched;
import dev.lockstep.fixtures.LongRun;
import dev.lockstep.fixtures.SshHosts;

import static dev.lockstep.fixtures.Launched.TEST_CLASSES;
import static dev.lockstep.fixtures.Launched.signal;
import static org.assertj.core.api.Assertions.assertThat;

/** Jobs on several hosts that lose one, or what starts the ranks there. */
class SshRestartIT {
    @RegisterExtension
    static final SshHosts HOSTS = new SshHosts();
    private static final String PROGRAMS = "dev.lockstep.fixtures.Programs";

    @ParameterizedTest
    @LongRun(butFor = 1)
    @CsvSource(delimiter = '|', textBlock = """
            -H lsone,lstwo --max-restarts 1                    | [lsone, lstwo]
            -H lsone,lstwo --max-restarts 1 --min-ranks 1      | [lsone, lstwo]
            """)
    void agent_killed_allStartAgainOnTheSameHosts(String options, String hosts) {
        try (Launched launched = once(options).start()) {
            launched.awaitStdout("ready");
            ProcessHandle agent = HOSTS.processes().stream()
                    .filter(p -> Launched.environment(p).contains("LOCKSTEP_RANK=1\0"))
                    .flatMap(p -> p.parent().stream()).findFirst().orElseThrow();
            signal(agent, "KILL");
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stderr()).hasLineCount(1).contains("host lstwo").contains("; restart 1 of 1");
            assertThat(result.lines()).containsExactly("ready", "restart 1 on " + hosts);
        }
        HOSTS.awaitNothing();
    }

    @ParameterizedTest
    @LongRun
    @CsvSource(delimiter = '|', textBlock = """
            -H lsone,lstwo --min-ranks 1   | [lsone]        | 1 rank goes
            -np 2 -H lstwo,lsone:3         | [lsone, lsone] | 2 ranks go
            """)
    void host_vanished_othersGoOn(String options, String hosts, String goOn) {
        try (Launched launched = once(options + " --max-restarts 1").start()) {
            launched.awaitStdout("ready");
            assertThat(HOSTS.run("cut").exitCode()).isZero();
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).as(result.stderr()).isZero();
            assertThat(result.stderr()).contains(" on host lstwo failed first: no heartbeat for 2 s")
                    .contains("; restart 1 of 1")
                    .endsWith("mpjrun: lstwo does not answer: " + goOn + " on without\n");
            assertThat(result.lines()).containsExactly("ready", "restart 1 on " + hosts);
        } finally {
            assertThat(HOSTS.run("mend").exitCode()).isZero();
        }
        HOSTS.awaitNothing();
    }

    @Test
    @LongRun
    void host_vanished_withoutRoomForAll_endsTheJob() {
        try (Launched launched = once("-H lsone,lstwo --max-restarts 1").start()) {
            launched.awaitStdout("ready");
            assertThat(HOSTS.run("cut").exitCode()).isZero();
            Launched.Result result = launched.await();
            assertThat(result.exitCode()).isEqualTo(124);
            assertThat(result.stderr())
                    .endsWith("mpjrun: the job is not started again: host lstwo does not answer, and "
                            + "the others have room for 1 of 2 ranks (--min-ranks M goes on with M or more)\n");
        } finally {
            assertThat(HOSTS.run("mend").exitCode()).isZero();
        }
        HOSTS.awaitNothing();
    }

    /** Waits for ever, and when it is started again says where and ends. */
    private static Launched.Command once(String options) {
        List<String> words = new ArrayList<>(List.of(options.split(" ")));
        words.addAll(List.of("-cp", TEST_CLASSES, PROGRAMS, "wait-once"));
        return HOSTS.launch(words.toArray(String[]::new)).env("LOCKSTEP_HEARTBEAT_TIMEOUT", "2");
    }
}
